package event

// parseTime reads RFC 3339 with up to nine digits of a second's fraction, into
// nanoseconds since 1970 UTC. The years go from 1970 to 2261. A leap second
// (:60) is refused, since it has no such number.
func parseTime(b []byte) (ns int64, code Code) {
	if len(b) < len("2006-01-02T15:04:05Z") || b[4] != '-' || b[7] != '-' || b[10]|0x20 != 't' || b[13] != ':' || b[16] != ':' {
		return 0, BadValue
	}
	year, ok1 := twoDigits(b, 0)
	rest, ok2 := twoDigits(b, 2)
	month, ok3 := twoDigits(b, 5)
	day, ok4 := twoDigits(b, 8)
	hour, ok5 := twoDigits(b, 11)
	minute, ok6 := twoDigits(b, 14)
	second, ok7 := twoDigits(b, 17)
	year = year*100 + rest
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 || !ok7 || month < 1 || month > 12 || day < 1 ||
		day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return 0, BadValue
	}
	fraction, i := int64(0), 19
	if b[i] == '.' {
		i++
		unit := int64(1e8)
		start := i
		for ; i < len(b) && b[i]-'0' <= 9; i++ {
			fraction += int64(b[i]-'0') * unit
			unit /= 10
		}
		if i == start || i-start > 9 {
			return 0, BadValue
		}
	}
	offset, ok := parseOffset(b[i:])
	if !ok {
		return 0, BadValue
	}
	sec := daysSince1970(year, month, day)*86400 + int64(hour*3600+minute*60+second) - offset
	if sec < 0 || sec > lastSecond {
		return 0, OutOfRange
	}
	return sec*1e9 + fraction, ""
}

func parseOffset(b []byte) (seconds int64, ok bool) {
	if len(b) == 1 {
		return 0, b[0]|0x20 == 'z'
	}
	if len(b) != 6 || b[0] != '+' && b[0] != '-' || b[3] != ':' {
		return 0, false
	}
	h, ok1 := twoDigits(b, 1)
	m, ok2 := twoDigits(b, 4)
	if !ok1 || !ok2 || h > 23 || m > 59 {
		return 0, false
	}
	seconds = int64(h*3600 + m*60)
	if b[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}

func twoDigits(b []byte, i int) (int, bool) {
	tens, ones := b[i]-'0', b[i+1]-'0'
	return int(tens)*10 + int(ones), tens <= 9 && ones <= 9
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysSince1970 counts days of the Gregorian calendar. Years are taken to begin
// in March, so that the leap day is the last.
func daysSince1970(year, month, day int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	return int64(year*365+year/4-year/100+year/400+(153*(month-3)+2)/5+day-1) - 719468
}

// AppendTime appends a time (ns) as RFC 3339 in UTC, with as many digits of the
// fraction as it needs: what time.AppendFormat gives, several times faster. A
// verdict record has three of them. The years of an int64 are 1677 to 2262.
func AppendTime(dst []byte, ns int64) []byte {
	const second, day = 1e9, 86400
	seconds, fraction := floorDiv(ns, second), floorMod(ns, second)
	year, month, dayOfMonth := civil(floorDiv(seconds, day))
	clock := floorMod(seconds, day)
	dst = two(two(dst, year/100), year%100)
	dst = two(append(dst, '-'), month)
	dst = two(append(dst, '-'), dayOfMonth)
	dst = two(append(dst, 'T'), clock/3600)
	dst = two(append(dst, ':'), clock/60%60)
	dst = two(append(dst, ':'), clock%60)
	if fraction > 0 {
		dst = append(dst, '.')
		for unit := int64(second / 10); fraction > 0; unit /= 10 {
			dst = append(dst, byte('0'+fraction/unit))
			fraction %= unit
		}
	}
	return append(dst, 'Z')
}

func two(dst []byte, n int64) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }

// civil turns days since 1970-01-01 into a date of the Gregorian calendar,
// counting in eras of 400 years that begin on a first of March.
func civil(days int64) (year, month, day int64) {
	days += 719468 // from 0000-03-01
	era := floorDiv(days, 146097)
	ofEra := days - era*146097
	yearOfEra := (ofEra - ofEra/1460 + ofEra/36524 - ofEra/146096) / 365
	ofYear := ofEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	fromMarch := (5*ofYear + 2) / 153
	day = ofYear - (153*fromMarch+2)/5 + 1
	month, year = fromMarch+3, yearOfEra+era*400
	if month > 12 {
		month, year = month-12, year+1
	}
	return year, month, day
}
