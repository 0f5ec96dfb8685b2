//! Bodies that attract each other, step by step. Nothing in it is worth a change.
//!
//! The integration follows the n-body program of the Computer Language Benchmarks Game (revised BSD
//! licence), written anew for any number of bodies.

use accuracy::Random;

const BODIES: usize = 120;
const STEPS: usize = 15_000;
const STEP: f64 = 0.001;

#[derive(Clone, Copy)]
struct Body {
    position: [f64; 3],
    velocity: [f64; 3],
    mass: f64,
}

fn main() {
    let mut bodies = scatter(&mut Random::new(31));
    rest(&mut bodies);
    let before = energy(&bodies);
    for _ in 0..STEPS {
        attract(&mut bodies);
        for body in &mut bodies {
            drift(body);
        }
    }
    println!("{before:.6} {:.6}", energy(&bodies));
}

fn scatter(random: &mut Random) -> Vec<Body> {
    let vector =
        |random: &mut Random, size: f64| [(); 3].map(|()| (random.fraction() - 0.5) * size);
    (0..BODIES)
        .map(|_| Body {
            position: vector(random, 100.0),
            velocity: vector(random, 2.0),
            mass: 0.1 + random.fraction(),
        })
        .collect()
}

/// Takes the movement of the whole away.
fn rest(bodies: &mut [Body]) {
    let mass: f64 = bodies.iter().map(|body| body.mass).sum();
    for axis in 0..3 {
        let momentum: f64 = bodies.iter().map(|body| body.velocity[axis] * body.mass).sum();
        for body in &mut *bodies {
            body.velocity[axis] -= momentum / mass;
        }
    }
}

fn attract(bodies: &mut [Body]) {
    for first in 1..bodies.len() {
        let (before, after) = bodies.split_at_mut(first);
        let one = &mut after[0];
        for other in before {
            pull(one, other);
        }
    }
}

fn pull(one: &mut Body, other: &mut Body) {
    let distance = [0, 1, 2].map(|axis| one.position[axis] - other.position[axis]);
    let squared: f64 = distance.iter().map(|it| it * it).sum::<f64>() + 0.01;
    let strength = STEP / (squared * squared.sqrt());
    for axis in 0..3 {
        one.velocity[axis] -= distance[axis] * other.mass * strength;
        other.velocity[axis] += distance[axis] * one.mass * strength;
    }
}

fn drift(body: &mut Body) {
    for axis in 0..3 {
        body.position[axis] += STEP * body.velocity[axis];
    }
}

fn energy(bodies: &[Body]) -> f64 {
    let mut energy = 0.0;
    for (index, body) in bodies.iter().enumerate() {
        energy += 0.5 * body.mass * body.velocity.iter().map(|it| it * it).sum::<f64>();
        for other in &bodies[..index] {
            let axes = body.position.iter().zip(&other.position);
            let squared: f64 = axes.map(|(a, b)| (a - b) * (a - b)).sum::<f64>() + 0.01;
            energy -= body.mass * other.mass / squared.sqrt();
        }
    }
    energy
}
