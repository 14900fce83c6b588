//! What is read ahead for the jobs of one batch, and whether it still holds when a job's turn comes.
//!
//! Why a job may be opened, and when not, is said in [`opening`](crate::opening); here it is decided.

use std::collections::HashMap;
use std::sync::Arc;

use crate::job::Job;
use crate::opening::{Answer, Left, Opened, Opening};
use crate::roots::{Root, Roots};
use crate::tx::Report;

/// What is read for jobs before they run: each question once, and which of them each of these jobs asks, by the place
/// of the job, in order.
#[derive(Default)]
pub(crate) struct Openings {
    pub(crate) asked: Vec<Arc<Opening>>,
    pub(crate) of_jobs: Vec<(usize, usize)>,
}

/// The openings of those jobs that may be opened: see [`opening`](crate::opening).
pub(crate) fn openings(jobs: &[Box<dyn Job>]) -> Openings {
    // At each root, what the latest job there asks, if the next may be opened as well.
    let mut latest: HashMap<&Root, Option<usize>> = HashMap::new();
    let mut found = Openings::default();
    for (place, job) in jobs.iter().enumerate() {
        let (roots, opening) = (job.roots().sorted(), job.openings().first());
        let before: Vec<_> = roots.iter().filter_map(|root| latest.get(root).copied()).collect();
        let asked = match (opening, &before[..]) {
            (Some(opening), []) if !roots.is_empty() => Some(found.ask(opening)),
            (Some(opening), &[Some(before)]) if roots.len() == 1 && opening.follows(&found.asked[before]) => {
                Some(if opening.is_same(&found.asked[before]) { before } else { found.ask(opening) })
            }
            _ => None,
        };
        found.of_jobs.extend(asked.map(|asked| (place, asked)));
        latest.extend(roots.iter().map(|root| (root, asked)));
    }
    found
}

impl Openings {
    fn ask(&mut self, opening: &Arc<Opening>) -> usize {
        self.asked.push(Arc::clone(opening));
        self.asked.len() - 1
    }
}

/// What the jobs of a batch have done at their roots: what was read there ahead of later jobs may not be so any more.
pub(crate) struct Changes {
    at: HashMap<Root, Option<Left>>,
    /// Whether anything was read ahead.
    matter: bool,
}

impl Changes {
    pub(crate) fn since(openings: &Openings) -> Self {
        Self { at: HashMap::new(), matter: !openings.asked.is_empty() }
    }

    /// What was read ahead for a job, as it is now. `None` if nobody can tell.
    pub(crate) fn present<'a>(
        &'a self,
        roots: &Roots,
        opening: &'a Opening,
        answer: &'a Answer,
    ) -> Option<Opened<'a>> {
        let mut changes = roots.sorted().iter().filter_map(|root| self.at.get(root));
        let left = match (changes.next(), roots.sorted().len()) {
            (None, _) => None,
            (Some(Some(left)), 1) if left.is_of(opening) => Some(left),
            (Some(_), _) => return None,
        };
        Some(Opened { opening, answer, left })
    }

    /// Takes down what a job has done.
    pub(crate) fn take(&mut self, declared: &Roots, report: &mut Report) {
        if !self.matter {
            return;
        }
        if !declared.contains_all(&report.locked) {
            self.at.extend(report.locked.sorted().iter().map(|root| (*root, None)));
        } else if let ([root], Some(left)) = (declared.sorted(), report.left.take()) {
            self.at.insert(*root, Some(left));
            return;
        }
        if report.wrote {
            self.at.extend(declared.sorted().iter().map(|root| (*root, None)));
        }
    }
}
