package collect

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// jsonLog parses lines that are one JSON object each: of nginx with a
// log_format that writes its variables, of Caddy, and what is like them.
type jsonLog struct {
	caddy  bool // the request is an object of its own
	setter fieldSetter
	common *layout // of Caddy's common_log
}

// flatFields are keys of an object that tell something of a pageview.
var flatFields = map[string]field{
	"remote_ip": fieldAddr, "client_ip": fieldClient, "clientip": fieldAddr, "client": fieldAddr, "ip": fieldAddr, "clienthost": fieldAddr,
	"remote_host": fieldAddr, "remoteip": fieldAddr,
	"x_forwarded_for": fieldForwarded, "x-forwarded-for": fieldForwarded, "forwarded_for": fieldForwarded,
	"ts": fieldTime, "time": fieldTime, "timestamp": fieldTime, "@timestamp": fieldTime, "datetime": fieldTime,
	"startutc": fieldTime, "time_msec": fieldTime,
	"method": fieldMethod, "verb": fieldMethod, "requestmethod": fieldMethod,
	"url": fieldTarget, "requestpath": fieldTarget, "path": fieldPath, "query": fieldQuery,
	"status_code": fieldStatus, "statuscode": fieldStatus, "response": fieldStatus, "downstreamstatus": fieldStatus, "code": fieldStatus,
	"referer": fieldReferrer, "referrer": fieldReferrer, "http_referrer": fieldReferrer, "request_referer": fieldReferrer,
	"user_agent": fieldAgent, "useragent": fieldAgent, "agent": fieldAgent, "user-agent": fieldAgent, "request_user-agent": fieldAgent,
	"vhost": fieldHost, "domain": fieldHost, "requesthost": fieldHost,
	"country_code": fieldCountry,
	"common_log":   fieldCommon,
}

// caddyFields are keys of Caddy's request.
var caddyFields = map[string]field{
	"remote_ip": fieldAddr, "remote_addr": fieldAddr, "client_ip": fieldClient,
	"method": fieldMethod, "host": fieldHost, "uri": fieldTarget,
}

// flatField is what a key of the outer object tells.
func flatField(key string) field {
	if f, ok := nginxFields[key]; ok {
		return f
	}
	if f, ok := flatFields[key]; ok {
		return f
	}
	lower := strings.ToLower(key)
	if f, ok := flatFields[lower]; ok {
		return f
	}
	return cmpField(w3cFields[lower], nginxFields[lower])
}

func cmpField(a, b field) field {
	if a != fieldNone {
		return a
	}
	return b
}

func (p *jsonLog) parse(line string, l *logLine) error {
	s := &jsonScan{text: line, at: max(strings.IndexByte(line, '{'), 0)} // what is before it another program wrote
	p.setter.dayOf, p.setter.clock = time.Time{}, 0
	if err := s.object(func(key string) error { return p.member(s, l, key) }); err != nil {
		return fmt.Errorf("%w at column %d", err, s.at+1)
	}
	if s.space(); s.at < len(line) {
		return fmt.Errorf("more than one object at column %d", s.at+1)
	}
	if l.at.IsZero() {
		return errors.New("no time")
	}
	if l.method == "" && l.target == "" && l.path == "" && l.status == 0 {
		return errors.New("no request")
	}
	return nil
}

// member reads the value of one key of the outer object.
func (p *jsonLog) member(s *jsonScan, l *logLine, key string) error {
	if key == "request" && s.peek() == '{' {
		if !p.caddy {
			return errors.New("a request that is an object")
		}
		return s.object(func(key string) error { return p.request(s, l, key) })
	}
	if strings.HasPrefix(key, "cs") { // of CloudFront, which encodes it as in its text
		text, ok, err := s.value(0)
		if err != nil || !ok {
			return err
		}
		kind := flatField(key)
		return p.setter.set(l, kind, (&w3cLog{cloudFront: true}).decode(kind, text))
	}
	return p.value(s, l, flatField(key))
}

// request reads the value of one key of Caddy's request.
func (p *jsonLog) request(s *jsonScan, l *logLine, key string) error {
	if key == "headers" && s.peek() == '{' {
		l.agentTold = true
		return s.object(func(key string) error { return p.value(s, l, headerFields[strings.ToLower(key)]) })
	}
	return p.value(s, l, caddyFields[key])
}

// value reads a value and sets the field. Of an array it is the first element.
func (p *jsonLog) value(s *jsonScan, l *logLine, kind field) error {
	text, ok, err := s.value(0)
	if err != nil || kind == fieldNone || !ok {
		return err
	}
	switch {
	case kind == fieldCommon:
		if l.method == "" && l.target == "" {
			return p.common.parse(text, l)
		}
		return nil
	case kind == fieldRequest && !strings.Contains(text, " "):
		kind = fieldTarget
	case kind == fieldLogTime:
		kind = fieldTime
	case kind == fieldTime && len(text) >= 8 && text[2] == ':':
		kind = fieldClock
	case kind == fieldTime && !l.at.IsZero():
		return nil
	case kind == fieldDate && len(text) != len("2006-01-02"):
		kind = fieldTime
	}
	return p.setter.set(l, kind, text)
}

// jsonScan reads JSON, one piece after the other.
type jsonScan struct {
	text string
	at   int
}

var errJSON = errors.New("no JSON")

// maxDepth is how deep objects and arrays may lie in each other.
const maxDepth = 20

func (s *jsonScan) space() {
	for s.at < len(s.text) && strings.IndexByte(" \t\r\n", s.text[s.at]) >= 0 {
		s.at++
	}
}

// peek is the byte that comes next after spaces; 0 at the end.
func (s *jsonScan) peek() byte {
	s.space()
	if s.at == len(s.text) {
		return 0
	}
	return s.text[s.at]
}

// take passes over a byte that must come next.
func (s *jsonScan) take(c byte) error {
	if s.peek() != c {
		return errJSON
	}
	s.at++
	return nil
}

// object reads an object. Each is called at the value of each key, and reads
// it.
func (s *jsonScan) object(each func(key string) error) error {
	if err := s.take('{'); err != nil {
		return err
	}
	if s.peek() == '}' {
		return s.take('}')
	}
	for {
		key, err := s.str()
		if err != nil {
			return err
		}
		if err := s.take(':'); err != nil {
			return err
		}
		if err := each(key); err != nil {
			return err
		}
		if s.peek() != ',' {
			return s.take('}')
		}
		s.at++
	}
}

// str reads a string.
func (s *jsonScan) str() (string, error) {
	if err := s.take('"'); err != nil {
		return "", err
	}
	n := closingQuote(s.text[s.at:])
	if n < 0 {
		return "", errJSON
	}
	v := s.text[s.at : s.at+n]
	s.at += n + 1
	return unescape(v), nil
}

// value reads any value. What is no string or number, and holds none first,
// gives nothing.
func (s *jsonScan) value(depth int) (text string, ok bool, err error) {
	if depth > maxDepth {
		return "", false, errors.New("too deep")
	}
	switch c := s.peek(); c {
	case '"':
		text, err = s.str()
		return text, err == nil, err
	case '[':
		return s.array(depth)
	case '{':
		return "", false, s.object(func(string) error {
			_, _, err := s.value(depth + 1)
			return err
		})
	case 0:
		return "", false, errJSON
	default:
		n := strings.IndexAny(s.text[s.at:], ",}] \t")
		if n <= 0 {
			return "", false, errJSON
		}
		text = s.text[s.at : s.at+n]
		s.at += n
		switch {
		case text == "null" || text == "true" || text == "false":
			return "", false, nil
		case c == '-' || '0' <= c && c <= '9':
			return text, true, nil
		}
		return "", false, errJSON
	}
}

func (s *jsonScan) array(depth int) (text string, ok bool, err error) {
	s.at++
	if s.peek() == ']' {
		return "", false, s.take(']')
	}
	for i := 0; ; i++ {
		v, is, err := s.value(depth + 1)
		if err != nil {
			return "", false, err
		}
		if i == 0 {
			text, ok = v, is
		}
		if s.peek() != ',' {
			return text, ok, s.take(']')
		}
		s.at++
	}
}
