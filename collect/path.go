package collect

import (
	"net/url"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxPath is the longest path in bytes that is kept.
const maxPath = 2048

// isStatic tells whether a path ends like a file that is no page.
func isStatic(p string) bool {
	switch strings.ToLower(path.Ext(p)) {
	case ".css", ".js", ".mjs", ".cjs", ".less", ".scss", ".map", ".wasm", ".swf", ".json", ".xml", ".txt", ".csv", ".yml", ".yaml", ".webmanifest",
		".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".svg", ".svgz", ".webp", ".avif", ".jxl", ".heic", ".heif",
		".ico", ".cur", ".bmp", ".tif", ".tiff", ".psd",
		".woff", ".woff2", ".ttf", ".otf", ".eot",
		".mp3", ".ogg", ".oga", ".opus", ".wav", ".flac", ".aac", ".m4a", ".mid", ".midi",
		".mp4", ".m4v", ".mpg", ".mpeg", ".ogv", ".webm", ".mov", ".avi", ".wmv", ".flv", ".mkv", ".m3u8", ".ts", ".vtt", ".srt",
		".pdf", ".epub", ".mobi", ".doc", ".docx", ".xls", ".xlsx", ".ppt", ".pptx", ".odt", ".ods", ".odp", ".rtf", ".ics", ".vcf",
		".zip", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".br", ".7z", ".rar", ".tar", ".iso", ".exe", ".msi", ".dmg", ".pkg", ".apk", ".deb", ".rpm", ".jar",
		".torrent", ".asc", ".sig", ".sha256",
		".rss", ".atom":
		return true
	}
	return false
}

// cleanPath makes the path of a page from the path of its address. What
// percent signs encode without need is decoded, so that a page has one path
// however its link was written. It refuses a path that is too long.
func cleanPath(path string) (string, bool) {
	if len(path) > maxPath {
		return "", false
	}
	return decodeText(path), true
}

// decodeText decodes the percent-encoded bytes that make printable text beyond
// ASCII or stand for characters that no address has to encode (RFC 3986 §2.3,
// §6.2.2.2), and encodes bytes that are no printable text.
func decodeText(s string) string {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = s[i] != '%' && s[i] >= ' ' && s[i] < utf8.RuneSelf-1
	}
	if plain {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if r, n := encodedRune(s[i:]); n > 0 {
			b.WriteRune(r)
			i += n
			continue
		}
		if c := encodedPlain(s[i:]); c != 0 && !inEscape(b.String()) {
			b.WriteByte(c)
			i += 3
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || !unicode.IsPrint(r) {
			b.WriteString(percent(s[i : i+n]))
		} else {
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// encodedRune is the printable rune beyond ASCII that s begins with, each of its
// bytes as it is or in percent encoding, and how many bytes of s it takes; 0 means
// there is none.
func encodedRune(s string) (rune, int) {
	var raw [utf8.UTFMax]byte
	at := 0
	for n := 0; n < len(raw) && at < len(s); {
		c, size := s[at], 1
		if c < utf8.RuneSelf {
			if c, size = encodedByte(s[at:]); c < utf8.RuneSelf {
				return 0, 0
			}
		}
		raw[n] = c
		at += size
		n++
		if utf8.FullRune(raw[:n]) {
			r, size := utf8.DecodeRune(raw[:n])
			if size < n || r == utf8.RuneError || !unicode.IsPrint(r) {
				return 0, 0
			}
			return r, at
		}
	}
	return 0, 0
}

// encodedByte is the byte whose percent encoding s begins with, and how many bytes
// that takes; 0 means there is none.
func encodedByte(s string) (c byte, size int) {
	if len(s) < 3 || s[0] != '%' || unhex(s[1]) < 0 || unhex(s[2]) < 0 {
		return 0, 0
	}
	return byte(unhex(s[1])<<4 | unhex(s[2])), 3
}

// encodedPlain is the letter, digit or mark whose percent encoding s begins with;
// 0 means there is none.
func encodedPlain(s string) byte {
	c, _ := encodedByte(s)
	if letter := c | 0x20; 'a' <= letter && letter <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~' {
		return c
	}
	return 0
}

// inEscape tells whether s ends in a percent sign, or one and a digit, which
// what is decoded next could make an encoding of.
func inEscape(s string) bool {
	s = s[max(len(s)-2, 0):]
	return strings.HasSuffix(s, "%") || strings.HasPrefix(s, "%") && unhex(s[len(s)-1]) >= 0
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func percent(s string) string {
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, 3*len(s))
	for i := range len(s) {
		b = append(b, '%', hex[s[i]>>4], hex[s[i]&15])
	}
	return string(b)
}

// referrerHost is the host a referrer names, in lower case and without "www."
// and port; empty when it names none.
func referrerHost(referrer string) string {
	if referrer == "" {
		return ""
	}
	u, err := url.Parse(referrer)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	host := strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.")
	bad := func(r rune) bool {
		return r != '.' && r != '-' && r != ':' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}
	if len(host) > 253 || strings.ContainsFunc(host, bad) {
		return ""
	}
	return host
}
