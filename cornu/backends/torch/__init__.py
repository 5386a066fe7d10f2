"""The torch backend; `cornu.backends.protocol` says what belongs here."""

from cornu.backends.torch.control import *
from cornu.backends.torch.core import *
from cornu.backends.torch.elementwise import *
from cornu.backends.torch.fft import *
from cornu.backends.torch.image import *
from cornu.backends.torch.indexing import *
from cornu.backends.torch.linalg import *
from cornu.backends.torch.nn import *
from cornu.backends.torch.optim import *
from cornu.backends.torch.profile import *
from cornu.backends.torch.random import *
from cornu.backends.torch.recording import *
from cornu.backends.torch.recurrent import *
from cornu.backends.torch.reduce import *
from cornu.backends.torch.shaping import *
from cornu.backends.torch.training import *
from cornu.backends.torch.transforms import *
