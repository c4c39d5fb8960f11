package articles

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/beforehand-go/beforehand/internal/fetch"
	"github.com/beforehand-go/beforehand/internal/text"
	"github.com/temoto/robotstxt"
)

const (
	robotsName = "beforehand" // what we are called in robots.txt
	maxRobots  = 500 << 10    // bytes that RFC 9309 has a crawler read
	maxDelay   = 30 * time.Second
)

// errRobots is what a page is not read for.
var errRobots = errors.New("robots.txt does not allow it")

// robots is the robots.txt of a host: where there is none everything is
// allowed, where it cannot be read nothing is, as RFC 9309 has it.
func (r *reading) robotsOf(ctx context.Context, u *url.URL) (*robotstxt.RobotsData, error) {
	host := u.Scheme + "://" + u.Host
	if known, ok := r.robots[host]; ok {
		return known.data, known.err
	}
	data, err := r.readRobots(ctx, host)
	r.robots[host] = robots{data, err}
	return data, err
}

type robots struct {
	data *robotstxt.RobotsData
	err  error
}

func (r *reading) readRobots(ctx context.Context, host string) (*robotstxt.RobotsData, error) {
	res, err := r.get(ctx, fetch.Request{URL: host + "/robots.txt", Most: maxRobots})
	if err != nil {
		return nil, err
	}
	if res.Status >= 400 && res.Status < 500 {
		r.good++
		return robotstxt.FromStatusAndBytes(http.StatusNotFound, nil)
	}
	if res.Status != http.StatusOK {
		return nil, fmt.Errorf("%s/robots.txt answered %d, so that nothing may be read", host, res.Status)
	}
	data, err := robotstxt.FromBytes(res.Body)
	if err != nil {
		return nil, fmt.Errorf("%s/robots.txt cannot be understood, so that nothing may be read: %s", host, text.Clean(err.Error(), 200))
	}
	r.good++
	return data, nil
}

// allowed tells whether robots.txt allows a page.
func (r *reading) allowed(ctx context.Context, u *url.URL) error {
	data, err := r.robotsOf(ctx, u)
	if err != nil {
		return err
	}
	if !data.TestAgent(u.RequestURI(), robotsName) {
		return errRobots
	}
	if delay := data.FindGroup(robotsName).CrawlDelay; delay > r.pause {
		r.pause = min(delay, maxDelay)
	}
	return nil
}
