"""Approves a submission and is killed when all is written and nothing committed.

Usage: review_child.py MONGODB_URI DATABASE KEYS_DIR SUBMISSION_ID.
"""

import os
import signal
import sys
from pathlib import Path

from services.common.review.store import Submissions
from services.common.transaction import connect
from tests.integration.house import serving
from tests.publications import reviewer

_, uri, name, keys_dir, submission_id = sys.argv
settle = Submissions.settle


def killed(self, submission):
    settle(self, submission)
    os.kill(os.getpid(), signal.SIGKILL)


Submissions.settle = killed
with serving("catalogue", connect(uri)[name], Path(keys_dir)) as house:
    method = "zhengtong.review.v1.ReviewService.ApproveSubmission"
    house.call(method, reviewer(), submission_id=submission_id)
