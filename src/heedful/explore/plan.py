"""Plans: what an instruction was understood as. The work is done in `heedful.explore.planning`."""

from heedful.explore.planning import STEER, make_plan, plan_from_dict, plan_to_dict

__all__ = ["STEER", "make_plan", "plan_from_dict", "plan_to_dict"]
