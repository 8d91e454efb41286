//! Dates as HTTP writes them (RFC 9110, 5.6.7).

/// `unix_seconds` as an IMF-fixdate, such as "Sun, 06 Nov 1994 08:49:37 GMT"; 29 bytes for the
/// years 0 to 9999.
pub fn imf_fixdate(unix_seconds: i64) -> String {
    let days = unix_seconds.div_euclid(DAY);
    let second = unix_seconds.rem_euclid(DAY);
    let (year, month, day) = civil(days);
    // Day 0 was a Thursday.
    let weekday = WEEKDAYS[(days + 4).rem_euclid(7) as usize];
    let month = MONTHS[month];
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Year, month (0 to 11) and day of the month of a day counted from 1970-01-01.
///
/// Years are counted from 1 March, so that the leap day is a year's last and the months' lengths
/// (31, 30, 31, 30, 31, twice and a bit) follow one line: month m begins on day (153 m + 2) / 5.
fn civil(days: i64) -> (i64, usize, i64) {
    let since_march_0 = days + DAYS_TO_1970;
    let cycle = since_march_0.div_euclid(CYCLE);
    let of_cycle = since_march_0.rem_euclid(CYCLE);
    let year_of_cycle = (of_cycle - of_cycle / 1460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let is_after_december = month_from_march >= 10;
    let month = if is_after_december { month_from_march - 10 } else { month_from_march + 2 };
    (cycle * 400 + year_of_cycle + i64::from(is_after_december), month as usize, day)
}

const DAY: i64 = 86_400;
/// Days of 400 years, after which the calendar repeats.
const CYCLE: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_468;
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_an_imf_fixdate() {
        assert_eq!(imf_fixdate(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(imf_fixdate(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(imf_fixdate(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
        assert_eq!(imf_fixdate(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
        assert_eq!(imf_fixdate(4_107_542_400), "Mon, 01 Mar 2100 00:00:00 GMT");
        assert_eq!(imf_fixdate(253_402_300_799), "Fri, 31 Dec 9999 23:59:59 GMT");
    }

    #[test]
    fn days_follow_the_calendar() {
        let lengths = |year: i64| {
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            [31, 28 + i64::from(leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        };
        let mut day = 0;
        for year in 1970..2405 {
            for (month, length) in lengths(year).into_iter().enumerate() {
                for of_month in 1..=length {
                    assert_eq!(civil(day), (year, month, of_month));
                    day += 1;
                }
            }
        }
    }
}
