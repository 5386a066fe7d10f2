"""What is told of a run's course, and may act on it: stop it, save the model, change the learning rate, write a log."""

from cornu.callbacks.backup import BackupAndRestore
from cornu.callbacks.callback import Callback
from cornu.callbacks.callback_list import CallbackList
from cornu.callbacks.checkpoint import ModelCheckpoint
from cornu.callbacks.csv_logger import CSVLogger
from cornu.callbacks.early_stopping import EarlyStopping
from cornu.callbacks.ema import SwapEMAWeights
from cornu.callbacks.functions import LambdaCallback
from cornu.callbacks.history import History
from cornu.callbacks.learning_rate import LearningRateScheduler, ReduceLROnPlateau
from cornu.callbacks.orbax import OrbaxCheckpoint
from cornu.callbacks.progress import ProgbarLogger
from cornu.callbacks.remote import RemoteMonitor
from cornu.callbacks.tensorboard import TensorBoard
from cornu.callbacks.terminate import TerminateOnNaN

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "OrbaxCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
]
