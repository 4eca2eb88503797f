internal import CSystemd
internal import SharedMemBroker
internal import Yams
