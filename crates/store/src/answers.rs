//! What is told once a commit is on the disk, and to whom.

use std::time::Instant;

use crate::batch;
use crate::job::Job;
use crate::roots::Root;
use crate::tools::Tools;

/// A commit, for those who watch.
pub(crate) struct Commit {
    /// How many jobs have shared it.
    pub(crate) jobs: usize,
    pub(crate) touched: Vec<Root>,
    /// When it began.
    pub(crate) begun: Instant,
}

impl Commit {
    /// It is on the disk now.
    pub(crate) fn tell(self, tools: &Tools) {
        tools.observer.committed(self.jobs, self.begun.elapsed());
        if let (false, Some(listener)) = (self.touched.is_empty(), tools.listener.get()) {
            listener.committed(&self.touched);
        }
    }
}

/// Jobs that have run, whose callers wait for the disk.
pub(crate) struct Answers {
    jobs: Vec<Box<dyn Job>>,
    /// What they have written.
    commit: Option<Commit>,
}

impl Answers {
    pub(crate) fn of_writes(jobs: Vec<Box<dyn Job>>, commit: Commit) -> Self {
        Self { jobs, commit: Some(commit) }
    }

    /// Of a job that has written nothing, and has seen what others have.
    pub(crate) fn of_read(job: Box<dyn Job>) -> Self {
        Self { jobs: vec![job], commit: None }
    }

    /// All of it is on the disk.
    pub(crate) fn give(self, tools: &Tools) {
        self.commit.into_iter().for_each(|commit| commit.tell(tools));
        self.jobs.into_iter().for_each(Job::answer);
    }

    /// Nobody knows what is on the disk.
    pub(crate) fn fail(self) {
        for mut job in self.jobs {
            job.fail(batch::broken());
            job.answer();
        }
    }
}
