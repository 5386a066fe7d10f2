"""Ops that work element by element: functions of one array, then of two that broadcast against each other."""

from cornu.ops.elementwise.arithmetic import *
from cornu.ops.elementwise.functions import *
from cornu.ops.elementwise.logic import *
from cornu.ops.elementwise.trigonometry import *
