"""Replicate the notebooks' claims on blocks of fresh seeds: `python -m tests.replication --block 7 --notebook 05`."""

import argparse
import concurrent.futures
import multiprocessing
import os
import sys

from tqdm import tqdm

os.environ.update(TQDM_DISABLE="1", OMP_NUM_THREADS="1")  # for the processes that measure; this one's bar is here already

from tests.replication import claims


def main(arguments=None):
    """Print the table; return 1 if a claim held less often than its sentence says, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.replication", description=__doc__.split(":")[0])
    parser.add_argument("--block", type=int, nargs="+", default=list(claims.BLOCKS), help="blocks of seeds, from 0 on")
    parser.add_argument("--notebook", nargs="+", default=claims.notebooks(), help="numbers, such as 05")
    parser.add_argument("--claim", nargs="+", help="names of claims")
    parser.add_argument("--untested", action="store_true", help="leave out what `pytest` takes of them")
    parser.add_argument("--quick", action="store_true", help="only the claims that take at most about 1.5 s a block")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args(arguments)
    if min(given.block) < 0:
        parser.error(f"--block must be at least 0, got {min(given.block)}")
    if unknown := sorted(set(given.notebook) - set(claims.notebooks())):
        parser.error(f"--notebook must be among {', '.join(claims.notebooks())}; got {', '.join(unknown)}")
    chosen = [claim for number in given.notebook for claim in claims.of(number)]
    if given.claim and (unknown := sorted(set(given.claim) - {claim.name for claim in chosen})):
        parser.error(f"--claim must be among {', '.join(claim.name for claim in chosen)}; got {', '.join(unknown)}")
    chosen = [c for c in chosen if (c.quick or not given.quick) and (not given.claim or c.name in given.claim)]
    failed = []
    with concurrent.futures.ProcessPoolExecutor(given.workers, multiprocessing.get_context("spawn")) as pool:
        waiting = {}
        for c in chosen:
            tested = claims.TESTED if given.untested and c.quick and c.often == 1 else ()
            left = [block for block in given.block if block not in tested]
            waiting[c] = {block: pool.submit(claims.measured, c.notebook, c.name, block) for block in left}
        done = 0
        try:
            for claim, futures in tqdm(waiting.items(), unit="claim", disable=None):  # a bar where somebody looks
                found = [claims.Found(claim, block, *future.result()) for block, future in futures.items()]
                tqdm.write(claims.table(found), file=sys.stdout)
                sys.stdout.flush()
                done += 1
                if not claims.enough(found):
                    failed.append(claim)
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            chosen = chosen[:done]
            print("interrupted: what follows is of the claims above alone")
    for claim in failed:
        print(f'notebook {claim.notebook} says "{claim.sentence}": {claim.name} did not hold as often as that')
    kept, blocks = len(chosen) - len(failed), ", ".join(map(str, given.block))
    print(f"{len(chosen)} claims on blocks {blocks}: {kept} as their sentences say")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
