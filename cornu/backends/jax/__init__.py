"""The jax backend; `cornu.backends.protocol` says what belongs here."""

from cornu.backends.jax import distribution as distribution
from cornu.backends.jax.control import *
from cornu.backends.jax.core import *
from cornu.backends.jax.elementwise import *
from cornu.backends.jax.fft import *
from cornu.backends.jax.indexing import *
from cornu.backends.jax.linalg import *
from cornu.backends.jax.nn import *
from cornu.backends.jax.profile import *
from cornu.backends.jax.random import *
from cornu.backends.jax.reduce import *
from cornu.backends.jax.shaping import *
from cornu.backends.jax.training import *
from cornu.backends.jax.transforms import *
