"""How an instruction becomes a plan: text -> sentences -> clauses -> aspects, wanted, avoided, filters."""

from heedful.explore.planning.plan import STEER, make_plan, plan_from_dict, plan_to_dict

__all__ = ["STEER", "make_plan", "plan_from_dict", "plan_to_dict"]
