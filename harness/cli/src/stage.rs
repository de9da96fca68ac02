//! A world with everything deployed and running: the demo and the replays are played on it.

use std::time::Duration;

use durin_harness::LocalAws;
use durin_harness::seed::Seed;
use durin_harness::world::World;
use durin_harness::world::invariants::{check_always, check_quiet};
use durin_harness::world::steady::NodeNames;

use crate::deployment::{self, Deployment, DeploymentError};

/// A local AWS in which Durin is deployed, and its first nodes.
#[derive(Clone)]
pub struct Stage {
    /// The local AWS.
    pub aws: LocalAws,
    /// Its nodes, each in its steady state at the beginning.
    pub nodes: Vec<NodeNames>,
}

/// The reason why a stage could not be set.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The seed is wrong.
    #[error("the world to start from: {0}")]
    Seed(String),
    /// The deployment is wrong.
    #[error(transparent)]
    Deployment(#[from] DeploymentError),
}

impl Stage {
    /// Sets the stage and lets time run: at tokio's pace times `speed`, so in virtual time where tokio's is paused.
    ///
    /// # Errors
    /// When the seed or the deployment cannot be understood.
    pub fn set(seed: &Seed, speed: f64) -> Result<Stage, StageError> {
        Stage::set_with(Deployment::shipped()?, seed, speed)
    }

    /// The same, with another deployment.
    ///
    /// # Errors
    /// When the seed or the deployment cannot be understood.
    pub fn set_with(deployment: &Deployment, seed: &Seed, speed: f64) -> Result<Stage, StageError> {
        let stage = Stage::prepared(deployment, seed, speed, Deployment::deploy)?;
        tokio::spawn(stage.aws.clone().run(deployment::handlers(&stage.aws)));
        Ok(stage)
    }

    /// The same world in which nothing reacts to events. Functions that are invoked by hand have their roles.
    ///
    /// # Errors
    /// When the seed cannot be understood.
    pub fn set_without_functions(seed: &Seed, speed: f64) -> Result<Stage, StageError> {
        let stage = Stage::prepared(Deployment::shipped()?, seed, speed, Deployment::deploy_roles)?;
        tokio::spawn(stage.aws.clone().run(Default::default()));
        Ok(stage)
    }

    /// The same world before its first launch, changed beforehand: each node's volume is new, and its group launches.
    ///
    /// # Errors
    /// When the seed cannot be understood.
    pub fn unsettled(seed: &Seed, speed: f64, change: fn(&mut World)) -> Result<Stage, StageError> {
        let deployment = Deployment::shipped()?;
        let mut world = World::from_seed(seed, &deployment.node).map_err(StageError::Seed)?;
        deployment.deploy(&mut world)?;
        change(&mut world);
        fastrand::seed(seed.seed);
        let nodes = world.nodes();
        let stage = Stage { aws: LocalAws::new(world, speed), nodes };
        tokio::spawn(stage.aws.clone().run(deployment::handlers(&stage.aws)));
        Ok(stage)
    }

    fn prepared(
        deployment: &Deployment,
        seed: &Seed,
        speed: f64,
        prepare: fn(&Deployment, &mut World) -> Result<(), DeploymentError>,
    ) -> Result<Stage, StageError> {
        let mut world = World::from_seed(seed, &deployment.node).map_err(StageError::Seed)?;
        let nodes = world.settle_nodes().map_err(|error| StageError::Seed(error.to_string()))?;
        prepare(deployment, &mut world)?;
        // The SDK draws its back-off jitter from here; a history that repeats itself has to own it.
        fastrand::seed(seed.seed);
        Ok(Stage { aws: LocalAws::new(world, speed), nodes })
    }

    /// The first node.
    pub fn node(&self) -> &NodeNames {
        &self.nodes[0]
    }

    /// Waits until every node is whole again: served, pointed at, nothing pending. `false` if that takes too long.
    pub async fn heals(&self, within: Duration) -> bool {
        let nodes = self.nodes.clone();
        self.aws.until(within, move |world| nodes.iter().all(|node| check_quiet(world, node).is_empty())).await
    }

    /// Everything that is wrong now: broken invariants, and those that must hold only when nothing is under way.
    pub fn complaints(&self) -> Vec<String> {
        self.aws.world(|world| {
            world.settle();
            let mut complaints = check_always(world);
            complaints.extend(self.nodes.iter().flat_map(|node| check_quiet(world, node)));
            complaints
        })
    }
}
