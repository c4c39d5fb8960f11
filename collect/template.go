package collect

import (
	"errors"
	"fmt"
	"strings"
)

// parseTemplate makes a layout of a format string, as nginx's log_format has
// it, with $names, or Apache's LogFormat, with %letters.
func parseTemplate(s string) (*layout, error) {
	next := nextApache
	if strings.Contains(s, "$") {
		next = nextNginx
	} else {
		// Copied from a configuration file, quotes are escaped.
		s = strings.NewReplacer(`\"`, `"`, `\t`, "\t", `\\`, `\`).Replace(s)
	}
	p := &layout{}
	literal := ""
	for s != "" {
		text, part, rest, err := next(s)
		if err != nil {
			return nil, err
		}
		literal, s = literal+text, rest
		if part.name == "" {
			continue
		}
		if literal == "" && len(p.parts) > 0 {
			joined, err := p.join(part)
			if err != nil {
				return nil, err
			}
			if joined {
				continue
			}
		}
		part.before, literal = literal, ""
		if part.name == "%t" { // Apache writes it in brackets
			part.before, literal = part.before+"[", "]"
		}
		p.parts = append(p.parts, part)
	}
	p.tail = literal
	return p, p.complete()
}

// join makes one field of a path and the query that follows it at once, and
// refuses other fields with nothing between them, unless the second one begins
// with a slash.
func (p *layout) join(part layoutPart) (joined bool, err error) {
	last := &p.parts[len(p.parts)-1]
	switch {
	case (last.kind == fieldPath || last.kind == fieldTarget) && (part.kind == fieldQuery || part.name == "$is_args"):
		last.kind, last.name = fieldTarget, last.name+part.name
		return true, nil
	case part.kind == fieldTarget || part.kind == fieldPath:
		return false, nil
	}
	return false, fmt.Errorf("nothing stands between %s and %s", last.name, part.name)
}

// complete refuses a layout that does not tell what a pageview needs.
func (p *layout) complete() error {
	has := map[field]bool{}
	for _, part := range p.parts {
		has[part.kind] = true
	}
	p.agent = has[fieldAgent]
	switch {
	case !has[fieldLogTime] && !has[fieldTime] && (!has[fieldDate] || !has[fieldClock]):
		return errors.New("it has no time")
	case !has[fieldRequest] && !has[fieldTarget] && !has[fieldPath]:
		return errors.New("it has no request")
	case !has[fieldRequest] && !has[fieldMethod]:
		return errors.New("it has no method")
	case !has[fieldStatus]:
		return errors.New("it has no status")
	}
	return nil
}

// nextNginx cuts text and a variable off the front of a log_format.
func nextNginx(s string) (text string, part layoutPart, rest string, err error) {
	text, s, found := strings.Cut(s, "$")
	if !found {
		return text, part, "", nil
	}
	name, rest, braced := s, "", strings.HasPrefix(s, "{")
	if braced {
		if name, rest, found = strings.Cut(s[1:], "}"); !found {
			return "", part, "", errors.New("a ${ without its }")
		}
	} else {
		end := strings.IndexFunc(s, func(r rune) bool {
			return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
		})
		if end >= 0 {
			name, rest = s[:end], s[end:]
		}
	}
	if name == "" {
		return "", part, "", errors.New("a $ without a name")
	}
	return text, layoutPart{name: "$" + name, kind: nginxFields[strings.ToLower(name)]}, rest, nil
}

// nginxFields are nginx's variables that tell something of a pageview.
var nginxFields = map[string]field{
	"remote_addr": fieldAddr, "binary_remote_addr": fieldNone, "realip_remote_addr": fieldNone,
	"http_x_forwarded_for": fieldForwarded, "proxy_add_x_forwarded_for": fieldForwarded,
	"http_x_real_ip": fieldForwarded, "http_cf_connecting_ip": fieldForwarded, "http_true_client_ip": fieldForwarded,
	"time_local": fieldLogTime, "time_iso8601": fieldTime, "msec": fieldTime,
	"request": fieldRequest, "request_method": fieldMethod, "request_uri": fieldTarget,
	"uri": fieldPath, "document_uri": fieldPath, "args": fieldQuery, "query_string": fieldQuery,
	"status": fieldStatus, "http_referer": fieldReferrer, "http_user_agent": fieldAgent,
	"http_host": fieldHost, "host": fieldHost, "server_name": fieldServer,
	"http_accept_language": fieldLanguage,
	"geoip_country_code":   fieldCountry, "geoip2_data_country_code": fieldCountry, "http_cf_ipcountry": fieldCountry,
}

// nextApache cuts text and a directive off the front of a LogFormat.
func nextApache(s string) (text string, part layoutPart, rest string, err error) {
	text, s, found := strings.Cut(s, "%")
	if !found {
		return text, part, "", nil
	}
	all := s
	s = strings.TrimLeft(s, "!0123456789,<>") // conditions, and which of several requests
	argument := ""
	if strings.HasPrefix(s, "{") {
		if argument, s, found = strings.Cut(s[1:], "}"); !found {
			return "", part, "", errors.New("a %{ without its }")
		}
	}
	if s == "" {
		return "", part, "", errors.New("a % without a letter")
	}
	if s[0] == '%' {
		return text + "%", part, s[1:], nil
	}
	length := 1
	if strings.HasPrefix(s, "^") && len(s) >= 3 { // %^FB, %{name}^ti
		length = 3
	}
	part.name = "%" + all[:len(all)-len(s)+length]
	if argument == "" {
		part.kind = apacheFields[s[0]]
	} else if part.kind, err = apacheField(argument, s[0]); err != nil {
		return "", part, "", err
	}
	return text, part, s[length:], nil
}

// apacheFields are the directives without an argument that tell something of a
// pageview.
var apacheFields = map[byte]field{
	'a': fieldAddr, 'h': fieldAddr, 't': fieldLogTime, 'r': fieldRequest, 's': fieldStatus, 'b': fieldSize, 'B': fieldSize,
	'm': fieldMethod, 'U': fieldPath, 'q': fieldQuery, 'v': fieldServer, 'V': fieldServer,
}

// apacheField is what a directive with an argument tells.
func apacheField(argument string, letter byte) (field, error) {
	switch letter {
	case 'i':
		return headerFields[strings.ToLower(argument)], nil
	case 't':
		return apacheTime(argument)
	}
	return fieldNone, nil
}

// headerFields are the headers of a request that tell something of a pageview.
var headerFields = map[string]field{
	"referer": fieldReferrer, "user-agent": fieldAgent, "host": fieldHost, "accept-language": fieldLanguage,
	"x-forwarded-for": fieldForwarded, "x-real-ip": fieldForwarded, "cf-connecting-ip": fieldForwarded,
	"true-client-ip": fieldForwarded, "cf-ipcountry": fieldCountry,
}

// apacheTime is what a time in a form of its own tells.
func apacheTime(form string) (field, error) {
	form = strings.TrimPrefix(strings.TrimPrefix(form, "begin:"), "end:")
	switch form {
	case "sec", "msec", "usec", "%s":
		return fieldTime, nil
	case "msec_frac", "usec_frac":
		return fieldNone, nil
	case "%d/%b/%Y:%H:%M:%S %z", "%d/%b/%Y:%T %z", "[%d/%b/%Y:%H:%M:%S %z]", "[%d/%b/%Y:%T %z]":
		return fieldLogTime, nil
	case "%Y-%m-%d", "%F", "%Y/%m/%d":
		return fieldDate, nil
	case "%H:%M:%S", "%T":
		return fieldClock, nil
	}
	iso := strings.NewReplacer("%F", "%Y-%m-%d", "%T", "%H:%M:%S", "/", "-", " ", "T").Replace(form)
	switch iso {
	case "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%ST%z", "%Y-%m-%dT%H:%M:%SZ":
		return fieldTime, nil
	}
	return fieldNone, fmt.Errorf("%%{%s}t: use %%t, %%{sec}t, or a form like %%d/%%b/%%Y:%%T %%z or %%Y-%%m-%%dT%%T%%z", form)
}
