package engine

import (
	"unsafe"

	"github.com/beforehand-go/beforehand/pageview"
)

// Weight is about how many bytes a batch takes in memory.
func Weight(b *pageview.Batch) int64 {
	n := int(unsafe.Sizeof(*b))
	for i := range b.Pageviews {
		v := &b.Pageviews[i]
		n += int(unsafe.Sizeof(*v))
		for _, text := range Texts(v) {
			n += len(text)
		}
	}
	for i := range b.Stays {
		n += int(unsafe.Sizeof(b.Stays[i])) + len(b.Stays[i].Path)
	}
	return int64(n)
}

// Texts are the texts of a pageview.
func Texts(v *pageview.Pageview) [14]string {
	return [...]string{
		v.Path, v.Title, v.Referrer, v.ReferrerPage, v.Campaign.Source, v.Campaign.Medium, v.Campaign.Name,
		v.Browser, v.System, v.Device, v.Country, v.Language, v.Bot, v.Site,
	}
}
