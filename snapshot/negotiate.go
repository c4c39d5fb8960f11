package snapshot

import (
	"strings"
)

// quality is a weight in thousandths, as RFC 9110 §12.4.2 writes it.
type quality = int

// acceptQuality returns the weight the Accept lines give a media type, by the
// most specific range that matches it. No Accept line, or an empty one, accepts
// everything.
func acceptQuality(lines []string, mediaType string) quality {
	if len(lines) == 0 || len(lines) == 1 && lines[0] == "" {
		return 1000
	}
	mediaType, params, _ := strings.Cut(mediaType, ";")
	major, _, _ := strings.Cut(mediaType, "/")
	best, specific := 0, -1
	for _, line := range lines {
		for line != "" {
			var item string
			item, line = cutOutside(line, ',')
			rng, rest := cutOutside(item, ';')
			rng = strings.TrimSpace(rng)
			s := -1
			switch {
			case rng == "*/*":
				s = 0
			case strings.HasSuffix(rng, "/*") && strings.EqualFold(rng[:len(rng)-2], major):
				s = 1
			case strings.EqualFold(rng, mediaType):
				s = 2
			}
			if s < 0 {
				continue
			}
			q, ok := 1000, true
			for rest != "" && ok {
				var p string
				p, rest = cutOutside(rest, ';')
				p = strings.TrimSpace(p)
				if p == "" {
					continue
				}
				name, value, _ := strings.Cut(p, "=")
				if strings.EqualFold(strings.TrimSpace(name), "q") {
					q = parseQuality(value)
					break // what follows q extends Accept, not the media type
				}
				s, ok = s+1, hasParam(params, name, value)
			}
			if ok && s > specific {
				best, specific = q, s
			}
		}
	}
	return best
}

// hasParam tells whether the parameters of a media type hold name=value,
// values compared as tokens without regard to case, as charsets are.
func hasParam(params, name, value string) bool {
	for params != "" {
		var p string
		p, params, _ = strings.Cut(params, ";")
		n, v, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(n, strings.TrimSpace(name)) && strings.EqualFold(strings.Trim(v, `"`), strings.Trim(strings.TrimSpace(value), `"`)) {
			return true
		}
	}
	return false
}

// encodingQuality returns the weight the Accept-Encoding lines give a content
// coding; the empty one is identity. Without a line, and where nothing names
// it, identity alone is accepted, at the least weight there is.
func encodingQuality(lines []string, encoding string) quality {
	name := encoding
	if name == "" {
		name = "identity"
	}
	star := -1
	for _, line := range lines {
		for line != "" {
			var item string
			item, line, _ = strings.Cut(line, ",")
			coding, weight, hasWeight := strings.Cut(item, ";")
			coding = strings.TrimSpace(coding)
			q := 1000
			if hasWeight {
				k, v, _ := strings.Cut(weight, "=")
				if strings.EqualFold(strings.TrimSpace(k), "q") {
					q = parseQuality(v)
				}
			}
			switch {
			case strings.EqualFold(coding, name), name == "gzip" && strings.EqualFold(coding, "x-gzip"):
				return q
			case coding == "*":
				star = q
			}
		}
	}
	switch {
	case star >= 0 && (encoding != "" || star == 0):
		return star
	case encoding == "":
		return 1
	}
	return 0
}

// parseQuality reads "0" to "1" with up to three decimals. What is not so
// written counts as 0: a weight that cannot be read asks for nothing.
func parseQuality(s string) quality {
	s = strings.TrimSpace(s)
	whole, decimals, _ := strings.Cut(s, ".")
	if len(decimals) > 3 || whole != "0" && whole != "1" {
		return 0
	}
	q := int(whole[0]-'0') * 1000
	unit := 100
	for i := range len(decimals) {
		c := decimals[i]
		if c < '0' || c > '9' {
			return 0
		}
		q += int(c-'0') * unit
		unit /= 10
	}
	if q > 1000 {
		return 0
	}
	return q
}

// cutOutside cuts s at the first sep that is not inside a quoted string.
func cutOutside(s string, sep byte) (before, after string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == sep && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}
