package config

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/trigger"
)

// maxName is the longest name of a site.
const maxName = 64

// CheckName refuses a site's name that does not fit into a URL.
func CheckName(name string) error {
	bad := func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}
	if name == "" || len(name) > maxName || strings.ContainsFunc(name, bad) {
		return fmt.Errorf("site name %q: use letters, digits, - and _, at most %d", name, maxName)
	}
	return nil
}

// Zone is the IANA name of a time zone; empty means this machine's.
type Zone string

// UnmarshalText refuses a zone that is not known.
func (z *Zone) UnmarshalText(text []byte) error {
	name := string(text)
	if _, err := time.LoadLocation(name); err != nil || name == "Local" || name == "" {
		return fmt.Errorf("unknown time zone %q: use a name like Europe/London", name)
	}
	*z = Zone(name)
	return nil
}

// Host is a host name in lower case, without a port.
type Host string

// UnmarshalText refuses what is no host name.
func (h *Host) UnmarshalText(text []byte) error {
	name := strings.ToLower(string(text))
	bad := func(r rune) bool { return r != '.' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	if name == "" || len(name) > 253 || strings.ContainsFunc(name, bad) {
		return fmt.Errorf("%q is no host name: write it like example.com, without https:// and port", text)
	}
	*h = Host(name)
	return nil
}

// Origin is where pages are, as a Content-Security-Policy names it.
type Origin string

// UnmarshalText refuses what is no origin of the web.
func (o *Origin) UnmarshalText(text []byte) error {
	scheme, rest, _ := strings.Cut(strings.ToLower(string(text)), "://")
	host, port, _ := strings.Cut(rest, ":")
	var name Host
	err := name.UnmarshalText([]byte(strings.TrimPrefix(host, "*.")))
	if _, bad := strconv.ParseUint(cmp.Or(port, "80"), 10, 16); err != nil || bad != nil || strings.HasSuffix(rest, ":") || scheme != "https" && scheme != "http" {
		return fmt.Errorf("%q is no origin: write it like https://example.com, https://*.example.com or http://localhost:8000", text)
	}
	*o = Origin(strings.ToLower(string(text)))
	return nil
}

// Rate says how many pageviews of a visitor are too many for a person.
type Rate pageview.Rate

// UnmarshalText reads text such as 100 in 1m.
func (r *Rate) UnmarshalText(text []byte) error {
	rate, err := pageview.ParseRate(string(text))
	*r = Rate(rate)
	return err
}

// Trigger is the text of a trigger. It is read once the zone of its site and
// the calendars are known.
type Trigger string

// UnmarshalText refuses what is no trigger.
func (t *Trigger) UnmarshalText(text []byte) error {
	p := trigger.Parser{Zone: time.UTC, Calendar: func(name string) (trigger.Calendar, error) {
		return trigger.NewDays(name), nil
	}}
	if _, err := p.Parse(string(text)); err != nil {
		return err
	}
	*t = Trigger(text)
	return nil
}

// Network is a range of addresses.
type Network struct{ netip.Prefix }

// UnmarshalText reads a range such as 192.0.2.0/24, or a single address.
func (n *Network) UnmarshalText(text []byte) error {
	if addr, err := netip.ParseAddr(string(text)); err == nil {
		n.Prefix = netip.PrefixFrom(addr, addr.BitLen())
		return nil
	}
	p, err := netip.ParsePrefix(string(text))
	if err != nil {
		return fmt.Errorf("%q is no range of addresses: write it like 192.0.2.7 or 192.0.2.0/24", text)
	}
	n.Prefix = p.Masked()
	return nil
}

// Source is the name of a way in.
type Source pageview.Source

// UnmarshalText reads the name of a way in.
func (s *Source) UnmarshalText(text []byte) error {
	v, err := pageview.ParseSource(string(text))
	if err != nil {
		return fmt.Errorf("%w; allowed are %s", err, strings.NewReplacer(",", ", ", ";", ", ").Replace(pageview.DefaultPrecedence().String()))
	}
	*s = Source(v)
	return nil
}

// Secret is a text that may hold a password. It does not show itself.
type Secret string

// LogValue keeps the secret out of logs.
func (Secret) LogValue() slog.Value { return slog.StringValue("secret") }

// String keeps the secret out of messages.
func (Secret) String() string { return "secret" }

// Expand puts variables of the environment in the place of ${NAME}.
func (s Secret) Expand() (string, error) {
	var missing []string
	text := os.Expand(string(s), func(name string) string {
		value, ok := os.LookupEnv(name)
		if !ok {
			missing = append(missing, name)
		}
		return value
	})
	if len(missing) > 0 {
		return "", fmt.Errorf("the environment has no %s", strings.Join(missing, ", "))
	}
	return text, nil
}

// Duration is a length of time such as 90s, 12h or 30d.
type Duration time.Duration

// UnmarshalText reads a length of time. A d is a day of 24 hours.
func (d *Duration) UnmarshalText(text []byte) error {
	if days, ok := strings.CutSuffix(string(text), "d"); ok {
		n, err := strconv.Atoi(days)
		if err == nil && n >= 0 && n <= 36500 {
			*d = Duration(time.Duration(n) * 24 * time.Hour)
			return nil
		}
	}
	v, err := time.ParseDuration(string(text))
	if err != nil || v < 0 {
		return fmt.Errorf("%q is no length of time: write it like 90s, 12h or 30d", text)
	}
	*d = Duration(v)
	return nil
}

// LogFormat is the name of a format of access logs, or a format string.
type LogFormat string

// UnmarshalText refuses a format that is not known.
func (f *LogFormat) UnmarshalText(text []byte) error {
	*f = LogFormat(text)
	return collect.CheckFormat(string(text))
}

// Slash is what becomes of a slash at the end of a path.
type Slash collect.Slash

// UnmarshalText refuses what is none of the three.
func (s *Slash) UnmarshalText(text []byte) error {
	switch string(text) {
	case "keep":
		*s = Slash(collect.SlashKeep)
	case "add", "remove":
		*s = Slash(text)
	default:
		return fmt.Errorf("%q: allowed are keep, add and remove", text)
	}
	return nil
}

// Pattern is a regular expression.
type Pattern struct{ *regexp.Regexp }

// UnmarshalText refuses what is no expression of RE2.
func (p *Pattern) UnmarshalText(text []byte) (err error) {
	if p.Regexp, err = regexp.Compile(string(text)); err != nil {
		return fmt.Errorf("%q is no regular expression: %w", text, err)
	}
	return nil
}
