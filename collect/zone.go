package collect

import (
	_ "embed"
	"strings"
	"sync"
)

// zones names the zones of each country, by the names they have and those they
// had, which browsers still use: a line is a country and its zones. It was
// made from zone.tab and the links of the tz database, which are in the public
// domain.
//
//go:embed zones.txt
var zones string

var zoneCountries = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(zones) {
		names := strings.Fields(line)
		for _, zone := range names[1:] {
			all[zone] = names[0]
		}
	}
	return all
})

// zoneCountry is the country that a time zone is named for; empty when the
// zone tells none, as UTC does.
func zoneCountry(zone string) string { return zoneCountries()[zone] }
