package main

import (
	"context"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/config"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

// addRetention adds a job for each site whose pageviews are not kept for ever.
func (a *app) addRetention(ctx context.Context, file *config.File) error {
	for i, site := range file.Sites {
		if site.Retention == 0 {
			continue
		}
		zone, keep := a.sites[i].Zone, time.Duration(site.Retention)
		err := a.site.Scheduler().Add(ctx, scheduler.Job{
			Name: collect.JobName(collect.JobRetain, site.Name), Trigger: trigger.Daily(trigger.Clock{Hour: 4}).In(zone), AtStart: true,
			Run: func(ctx context.Context, run *scheduler.Run) error {
				first := pageview.DayOf(time.Now().Add(-keep).In(zone))
				run.Progress(0, 0, "deleting pageviews from before "+first.String())
				n, err := a.store.Retain(ctx, site.Name, first)
				if n > 0 {
					a.log.Info("old pageviews deleted", "site", site.Name, "pageviews", n)
					run.Logger().Info("old pageviews deleted", "pageviews", n, "before", first)
				}
				return err
			},
		})
		if err != nil {
			return err
		}
	}
	return nil
}
