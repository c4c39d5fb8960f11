package server

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestEveryRouteOfTheAPIIsDescribed holds the description to the table of routes,
// both ways.
func TestEveryRouteOfTheAPIIsDescribed(t *testing.T) {
	var d struct {
		Paths map[string]map[string]any
	}
	if err := json.Unmarshal(openAPI, &d); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{
		"get /api/v1/openapi.json":           true, // the description itself
		"get /api/v1/sites/{site}/stats.csv": true, // told with stats, as its format
	}
	for pattern := range accesses() {
		method, path, _ := strings.Cut(pattern, " ")
		method = strings.ToLower(method)
		if strings.HasPrefix(path, "/api/v1/") && d.Paths[path][method] == nil && !known[method+" "+path] {
			t.Errorf("%s is not described", pattern)
		}
		known[method+" "+path] = true
	}
	for path, methods := range d.Paths {
		for method := range methods {
			if !known[method+" "+path] && path != "/api/v1/pageviews" { // a way in
				t.Errorf("%s %s is described, and there is no such route", method, path)
			}
		}
	}
}
