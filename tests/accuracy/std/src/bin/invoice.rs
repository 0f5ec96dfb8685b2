//! Renders invoices as HTML, in memory.

use std::fmt::Write;

use accuracy::{Random, is_fixed, mix, words};

const INVOICES: usize = 80_000;
const LINES: usize = 24;

struct Item {
    name: String,
    amount: u32,
    cents: u64,
}

struct Invoice {
    number: u32,
    customer: String,
    items: Vec<Item>,
}

fn main() {
    let mut random = Random::new(4);
    let names = words(&mut random, 500);
    let fixed = is_fixed();
    let (mut sum, mut page) = (0, String::new());
    for number in 0..INVOICES as u32 {
        let invoice = sell(&mut random, &names, number);
        page.clear();
        page.push_str("<table>\n");
        let total =
            if fixed { write_rows(&invoice, &mut page) } else { render_rows(&invoice, &mut page) };
        page.push_str("</table>\n");
        sum = mix(sum, total + checksum(&page));
    }
    println!("{sum:016x}");
}

fn sell(random: &mut Random, names: &[String], number: u32) -> Invoice {
    let item = |_| Item {
        name: random.pick(names).clone(),
        amount: 1 + random.below(20) as u32,
        cents: 50 + random.below(90_000) as u64,
    };
    let items = (0..LINES).map(item).collect();
    Invoice { number, customer: random.pick(names).clone(), items }
}

fn render_rows(invoice: &Invoice, page: &mut String) -> u64 {
    let mut total = 0;
    page.push_str(&format!("<caption>{} for {}</caption>\n", invoice.number, invoice.customer));
    for item in &invoice.items {
        let cents = price(item);
        total += cents;
        page.push_str("<tr><td>");
        escape(&item.name, page);
        let (euros, rest) = (cents / 100, cents % 100);
        // culprit
        page.push_str(&format!("</td><td>{}</td><td>{euros}.{rest:02}</td></tr>\n", item.amount));
    }
    page.push_str(&format!("<tr><td>Total</td><td>{}.{:02}</td></tr>\n", total / 100, total % 100));
    total
}

fn write_rows(invoice: &Invoice, page: &mut String) -> u64 {
    let mut total = 0;
    let _ = writeln!(page, "<caption>{} for {}</caption>", invoice.number, invoice.customer);
    for item in &invoice.items {
        let cents = price(item);
        total += cents;
        page.push_str("<tr><td>");
        escape(&item.name, page);
        let _ = writeln!(
            page,
            "</td><td>{}</td><td>{}.{:02}</td></tr>",
            item.amount,
            cents / 100,
            cents % 100
        );
    }
    let _ = writeln!(page, "<tr><td>Total</td><td>{}.{:02}</td></tr>", total / 100, total % 100);
    total
}

/// With a rebate from ten on.
fn price(item: &Item) -> u64 {
    let full = item.cents * u64::from(item.amount);
    if item.amount < 10 { full } else { full - full / 20 }
}

fn escape(text: &str, page: &mut String) {
    for letter in text.chars() {
        match letter {
            '<' => page.push_str("&lt;"),
            '&' => page.push_str("&amp;"),
            letter => page.push(letter),
        }
    }
}

fn checksum(page: &str) -> u64 {
    page.bytes().fold(0, |sum, byte| mix(sum, u64::from(byte)))
}
