//! Counts the words that are no stop words.
use std::{env, fs};

fn main() {
    let stop = fs::read_to_string("stopwords.txt").expect("stopwords.txt");
    let stop: Vec<&str> = stop.lines().collect();
    let n = env::args().skip(1).filter(|w| !stop.contains(&w.as_str())).count();
    println!("{n} words");
}
