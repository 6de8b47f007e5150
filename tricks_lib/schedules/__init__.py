"""Schedules: time -> factor on the learning rate."""

from .decay import cosine_decay as cosine_decay
from .decay import cosine_restarts as cosine_restarts
from .decay import linear_decay as linear_decay
from .decay import step_decay as step_decay
from .linear_scaling import linear_scaling as linear_scaling
from .linear_scaling import sqrt_scaling as sqrt_scaling
from .warmup import constant as constant
from .warmup import constant_warmup as constant_warmup
from .warmup import gradual_warmup as gradual_warmup
