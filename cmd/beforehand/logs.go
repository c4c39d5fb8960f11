package main

import (
	"cmp"
	"context"
	"sync"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/config"
)

// followLogs follows the access logs that the configuration names, until ctx
// ends.
func (a *app) followLogs(ctx context.Context, file *config.File) {
	var wg sync.WaitGroup
	for i, site := range file.Sites {
		for _, name := range site.Logs {
			wg.Go(func() {
				collect.Follow(ctx, collect.Following{
					Path: file.Path(name),
					Import: func(ctx context.Context, l collect.Log) error {
						l.Site, l.Format = a.sites[i].Site, cmp.Or(string(site.LogFormat), l.Format)
						_, err := a.server.Importer.Import(ctx, l, nil)
						return err
					},
					Failed: func(err error) {
						a.log.Warn("import failed and is tried again", "site", site.Name, "file", name, "error", err)
					},
				})
			})
		}
	}
	wg.Wait()
}
