"""Ranges of a kernel for waiting threads: handed out in machine code, so that no thread needs the GIL to take one.

The *board* is an int64 array on which a caller posts a job: a function, its packed arguments and how many ranges it has. Whoever
sees it open takes ranges until none is left, the caller too, which never waits for a thread that has not begun. A waiting thread
looks at the board for a while and then sleeps until a caller rings its *bell*, which needs no GIL either. 2 cores, half of the
work each: 5 µs a call, where a ThreadPoolExecutor took 75 to 200.
"""

import numpy as np

from .linked import kernel, shared
from .numba_internals import ASLEEP, WORDS, add, give_way, look, nap, pause, post_arguments, ring, run_posted, swap, wait_for_bell
from .signatures import Indices

# words of a board, eight a cache line
OPEN, STOP, ACTIVE, NEXT, FAILED, COUNT, RANGES, SLOTS, BELLS = 0, 1, 8, 16, 24, 33, 34, 35, 36
RANGES_EACH = 16  # for each thread, so that none waits long for the others: 4 take 8 percent longer for a gradient of C
LOOKS = 12000  # how often a thread looks at the board before it goes to sleep, some 200 µs
POLITE = 64  # looks after each of which a thread gives way to others: it may have the core that the caller waits for
PATIENCE = 4000  # how often a caller looks whether the others are done before it sleeps between looks


@kernel
def take_ranges(board, slot):
    """Run ranges of the posted job until none is left, as thread `slot`: 0 the caller, the others from 1."""
    count, ranges = board[COUNT], board[RANGES]
    i = add(board, NEXT, 1)
    while i < ranges:
        if run_posted(board, count * i // ranges, count * (i + 1) // ranges, slot) != 0:
            add(board, FAILED, 1)
        i = add(board, NEXT, 1)


@shared
def hand_out(board: Indices, count: int, ranges: int, slots: int):
    """Run the posted job over 0 … count in so many ranges, alone or with those whose slot is below `slots`; back when all of them
    are done, so that no interrupt comes while another thread writes to the arguments."""
    board[COUNT], board[RANGES], board[SLOTS] = count, ranges, slots
    board[NEXT], board[FAILED] = 0, 0
    add(board, OPEN, 1)
    bell, slot = board[BELLS], 1
    while bell != 0 and slot < slots:
        bell = ring(bell)
        slot += 1
    take_ranges(board, 0)
    add(board, OPEN, -1)
    looks = 0
    while look(board, ACTIVE) > 0:
        looks += 1
        if looks < PATIENCE:
            pause()
        else:
            nap()


@kernel
def launch(address, arguments, board, count, ranges, slots):
    """Run the kernel at `address` as `hand_out` does; 0 where the arguments are too many for the board, and nothing was run."""
    if post_arguments(address, arguments, board) == 0:
        return 0
    hand_out(board, count, ranges, slots)
    return 1


@kernel
def waiting(board, slot):
    """Whether there is something to do for thread `slot`."""
    return look(board, OPEN) > 0 and slot < board[SLOTS] and look(board, NEXT) < board[RANGES]


@kernel
def wait_for_jobs(board, bell, slot):
    """As thread `slot`, take ranges of jobs as they are posted, until told to stop; asleep on `bell` where none come."""
    looks = 0
    while look(board, STOP) == 0:
        if waiting(board, slot):
            add(board, ACTIVE, 1)
            if look(board, OPEN) > 0 and slot < board[SLOTS]:
                take_ranges(board, slot)
                looks = 0
            add(board, ACTIVE, -1)
        pause()
        looks += 1
        if looks % POLITE == 0:
            give_way()
        if looks >= LOOKS:
            looks = 0
            swap(bell, ASLEEP, 1)
            if not waiting(board, slot) and look(board, STOP) == 0 or swap(bell, ASLEEP, 0) == 0:
                wait_for_bell(bell)  # returns at once where it was rung since the line above


def new_board():
    """A board with no job on it."""
    return np.zeros(WORDS, np.int64)
