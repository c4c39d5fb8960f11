package collect

import (
	"errors"
	"strings"
	"time"
)

// field is a part of a line that tells something of a pageview.
type field uint8

// The fields. What is of no use is fieldNone.
const (
	fieldNone      field = iota
	fieldHost            // the host that was asked
	fieldServer          // the same, as the server calls itself: the last choice
	fieldAddr            // address or host name of the sender
	fieldClient          // the same, as the server worked it out behind proxies: the first choice
	fieldForwarded       // list of addresses
	fieldLogTime         // 02/Jan/2006:15:04:05 -0700, perhaps in brackets
	fieldTime            // any time
	fieldDate            // 2006-01-02, which fieldClock goes with
	fieldClock           // 15:04:05
	fieldRequest         // the whole request line
	fieldMethod
	fieldTarget // path with query, or a whole address
	fieldPath   // path without query
	fieldQuery
	fieldStatus
	fieldSize // checked, and not kept
	fieldReferrer
	fieldAgent
	fieldLanguage
	fieldCountry
	fieldCommon // a line of the common format
)

// word is the field's name in messages; empty for one of no use.
func (f field) word() string {
	words := map[field]string{
		fieldHost: "host", fieldServer: "host", fieldAddr: "address", fieldClient: "address", fieldForwarded: "forwarded addresses",
		fieldLogTime: "time", fieldTime: "time", fieldDate: "date", fieldClock: "time", fieldRequest: "request",
		fieldMethod: "method", fieldTarget: "target", fieldPath: "path", fieldQuery: "query", fieldStatus: "status",
		fieldSize: "size", fieldReferrer: "referrer", fieldAgent: "agent", fieldLanguage: "language", fieldCountry: "country",
	}
	return words[f]
}

var (
	errStatus = errors.New("no status of three digits")
	errSize   = errors.New("no size")
)

// fieldSetter sets fields of one line after the other.
type fieldSetter struct {
	log   logClock
	last  clockCache
	day   clockCache
	dayOf time.Time // of fieldDate, or what the log says beside its lines
	clock time.Duration
}

// set sets what a field tells. The value is decoded already.
func (f *fieldSetter) set(l *logLine, kind field, value string) (err error) {
	switch kind {
	case fieldHost:
		l.host = dash(value)
	case fieldServer:
		if value = dash(value); l.host == "" && value != "_" { // nginx's name for every other
			l.host = value
		}
	case fieldAddr:
		if l.addr == "" && value != "unix:" { // a socket, as nginx has it
			l.addr = dash(value)
		}
	case fieldClient:
		if dash(value) != "" {
			l.addr = value
		}
	case fieldForwarded:
		l.forwarded = dash(value)
	case fieldLogTime:
		value = strings.TrimSuffix(strings.TrimPrefix(value, "["), "]")
		l.at, err = f.log.parse(value)
	case fieldTime:
		l.at, err = f.last.parse(value, parseAnyTime)
	case fieldDate:
		f.dayOf, err = f.day.parse(value, parseDate)
		l.at = f.dayOf.Add(f.clock)
	case fieldClock:
		f.clock, err = parseClock(value)
		l.at = f.dayOf.Add(f.clock)
	default:
		return setRequest(l, kind, value)
	}
	return err
}

// setRequest sets what a field tells of the request.
func setRequest(l *logLine, kind field, value string) error {
	switch kind {
	case fieldRequest:
		method, target := splitRequest(value)
		if l.method == "" {
			l.method = method
		}
		if l.target == "" {
			l.target = target
		}
	case fieldMethod:
		l.method = dash(value)
	case fieldTarget:
		l.target = dash(value)
	case fieldPath:
		path, query, found := strings.Cut(dash(value), "?")
		if l.path = path; found {
			l.query = query
		}
	case fieldQuery:
		l.query = dash(value)
	case fieldStatus:
		var ok bool
		if l.status, ok = parseStatus(value); !ok {
			return errStatus
		}
	case fieldSize:
		if _, ok := digits(value); !ok && value != "-" {
			return errSize
		}
	case fieldReferrer:
		l.referrer = dash(value)
	case fieldAgent:
		l.agent, l.agentTold = dash(value), true
	case fieldLanguage:
		l.language = dash(value)
	case fieldCountry:
		l.country = dash(value)
	}
	return nil
}
