package event

import "net/netip"

// parseIP reads an address without a zone. An IPv4 address in IPv6 clothes
// (::ffff:192.0.2.1) is the IPv4 address: it is the same client.
func parseIP(text []byte) (netip.Addr, bool) {
	if v4, ok := parseIPv4(text); ok {
		return netip.AddrFrom4(v4), true
	}
	v6, ok := parseIPv6(text)
	return netip.AddrFrom16(v6).Unmap(), ok
}

func parseIPv4(text []byte) (a [4]byte, ok bool) {
	part, digits, value := 0, 0, 0
	for _, c := range text {
		switch {
		case c == '.':
			if digits == 0 || part == 3 {
				return a, false
			}
			a[part] = byte(value)
			part, digits, value = part+1, 0, 0
		case c-'0' > 9 || digits > 0 && value == 0: // no leading zeros: some read them as octal
			return a, false
		default:
			if value = value*10 + int(c-'0'); value > 255 {
				return a, false
			}
			digits++
		}
	}
	a[3] = byte(value)
	return a, part == 3 && digits > 0
}

func parseIPv6(text []byte) (a [16]byte, ok bool) {
	n, gap := 0, -1 // bytes so far, and where :: stands
	if len(text) >= 2 && text[0] == ':' && text[1] == ':' {
		gap, text = 0, text[2:]
	}
	for len(text) > 0 {
		value, digits := 0, 0
		for digits < len(text) && digits < 5 {
			h := hexDigit(text[digits])
			if h < 0 {
				break
			}
			value = value<<4 | h
			digits++
		}
		if digits > 0 && digits < len(text) && text[digits] == '.' { // an IPv4 tail
			tail, ok := parseIPv4(text)
			if !ok || n > 12 {
				return a, false
			}
			n += copy(a[n:], tail[:])
			break
		}
		if digits == 0 || digits > 4 || n > 14 {
			return a, false
		}
		a[n], a[n+1] = byte(value>>8), byte(value)
		n += 2
		if text = text[digits:]; len(text) == 0 {
			break
		}
		if text[0] != ':' || len(text) == 1 {
			return a, false
		}
		if text = text[1:]; text[0] == ':' {
			if gap >= 0 {
				return a, false
			}
			gap, text = n, text[1:]
		}
	}
	if gap < 0 {
		return a, n == 16
	}
	if n == 16 {
		return a, false
	}
	copy(a[16-(n-gap):], a[gap:n])
	clear(a[gap : 16-(n-gap)])
	return a, true
}

// hexDigit gives a digit's value, -1 for what is none.
func hexDigit(c byte) int {
	switch {
	case c-'0' <= 9:
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
