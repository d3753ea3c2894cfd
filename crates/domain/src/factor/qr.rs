//! A text as a QR code, for a person to scan from a screen or a page.
//!
//! Black on white with the quiet zone of four modules that scanners need, so it also works on a dark page. The SVG is one rectangle
//! and one path: no script, no reference to anything outside. Both are made from a secret; neither is to be cached or logged.

use png::{BitDepth, ColorType, Encoder};
use qrcode::{Color, QrCode, render::svg};

use crate::secret::SecretString;

/// Modules of white on every side.
const QUIET: usize = 4;
/// Pixels of a module.
const SCALE: usize = 8;

/// More than a QR code can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text is too long for a QR code")]
pub struct TooLong;

/// The code as an SVG document.
///
/// # Errors
/// [`TooLong`] past about 2300 bytes.
pub fn svg(text: &SecretString) -> Result<String, TooLong> {
    Ok(code(text)?.render::<svg::Color<'_>>().build())
}

/// The code as a PNG of one bit a pixel.
///
/// # Errors
/// [`TooLong`] past about 2300 bytes.
pub fn png(text: &SecretString) -> Result<Vec<u8>, TooLong> {
    let code = code(text)?;
    let modules = code.width() + 2 * QUIET;
    let side = u32::try_from(modules * SCALE).map_err(|_| TooLong)?;
    // A module is a byte wide: one bit a pixel, eight pixels a module.
    let mut pixels = Vec::with_capacity(modules * modules * SCALE);
    for y in 0..modules {
        let row: Vec<u8> = (0..modules).map(|x| if is_dark(&code, x, y) { 0x00 } else { 0xff }).collect();
        for _ in 0..SCALE {
            pixels.extend_from_slice(&row);
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, side, side);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::One);
    // Writing to memory fails only past what memory holds.
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&pixels));
    written.map(|()| bytes).map_err(|_| TooLong)
}

fn code(text: &SecretString) -> Result<QrCode, TooLong> {
    QrCode::new(text.expose()).map_err(|_| TooLong)
}

fn is_dark(code: &QrCode, x: usize, y: usize) -> bool {
    let inside = QUIET..QUIET + code.width();
    inside.contains(&x) && inside.contains(&y) && code[(x - QUIET, y - QUIET)] == Color::Dark
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri() -> SecretString {
        SecretString::new(
            "otpauth://totp/Fleet%20Flow:ravi%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Fleet%20Flow",
        )
    }

    /// What another's scanner reads from a picture.
    fn scan(side: usize, is_dark: impl FnMut(usize, usize) -> bool) -> String {
        let mut picture = rqrr::PreparedImage::prepare_from_bitmap(side, side, is_dark);
        let grids = picture.detect_grids();
        assert_eq!(grids.len(), 1);
        grids[0].decode().unwrap().1
    }

    #[test]
    fn a_scanner_reads_the_png_back() {
        let bytes = png(&uri()).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        let (side, line) = (info.width as usize, info.line_size);
        assert_eq!(info.width, info.height);
        let dark = |x: usize, y: usize| pixels[y * line + x / 8] >> (7 - x % 8) & 1 == 0;
        assert_eq!(scan(side, dark), uri().expose());
        for edge in 0..side {
            for quiet in 0..4 * SCALE {
                assert!(!dark(edge, quiet) && !dark(quiet, edge) && !dark(edge, side - 1 - quiet));
            }
        }
    }

    #[test]
    fn the_svg_draws_the_same_modules_on_white_and_reaches_for_nothing_outside() {
        let svg = svg(&uri()).unwrap();
        for forbidden in ["<script", "href", "<image", "<use", "url(", "<style", "onload"] {
            assert!(!svg.contains(forbidden), "{forbidden}");
        }
        assert_eq!(svg.matches("http").count(), 1, "the namespace alone");
        let side = svg.split("width=\"").nth(1).unwrap().split('"').next().unwrap();
        assert!(
            svg.contains(&format!(
                "<rect x=\"0\" y=\"0\" width=\"{side}\" height=\"{side}\" fill=\"#fff\"/>"
            ))
        );

        // The path is a list of rectangles: `M{left} {top}h{width}v{height}H..V..`.
        let side: usize = side.parse().unwrap();
        let path = svg.split(" d=\"").nth(1).unwrap().split('"').next().unwrap();
        let mut dark = vec![vec![false; side]; side];
        for rectangle in path.split('M').skip(1) {
            let mut numbers =
                rectangle.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse::<usize>().unwrap());
            let mut next = || numbers.next().unwrap();
            let (left, top, width, height) = (next(), next(), next(), next());
            for row in &mut dark[top..top + height] {
                row[left..left + width].fill(true);
            }
        }
        assert_eq!(scan(side, |x, y| dark[y][x]), uri().expose());
    }

    #[test]
    fn a_text_that_no_code_can_hold_is_refused() {
        let text = SecretString::new("x".repeat(3000));
        assert_eq!((svg(&text), png(&text)), (Err(TooLong), Err(TooLong)));
    }
}
