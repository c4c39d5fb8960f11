package main

import (
	"context"
	"errors"
	"fmt"
)

func runCheck(ctx context.Context, s stdio, args []string) error {
	return recount(ctx, s, args, false)
}

func runRebuild(ctx context.Context, s stdio, args []string) error {
	return recount(ctx, s, args, true)
}

// recount counts raw pageviews anew and compares what was added up beforehand,
// or replaces that where it differs.
func recount(ctx context.Context, s stdio, args []string, repair bool) error {
	command, about := "check", "Counts a site's pageviews anew and tells where the numbers that were added up\nbeforehand differ."
	if repair {
		command, about = "rebuild", "Counts a site's pageviews anew and replaces the numbers that were added up\nbeforehand where they differ."
	}
	var v placeFlags
	var site string
	f := keepFlags(command+" [flags]\n\n"+about+" Days whose pageviews were deleted are passed over. No\nserver may run meanwhile.", &v)
	f.StringVar(&site, "site", "default", "`name` of the site")
	if err := f.parse(s, args, 0); err != nil {
		return err
	}
	k, err := openKeeper(ctx, v, command)
	if err != nil {
		return err
	}
	wrong, err := k.store.Recount(ctx, site, repair)
	if err := errors.Join(err, k.close()); err != nil {
		return err
	}
	for _, w := range wrong {
		fmt.Fprintf(s.out, "%s by %s: %d wrong\n", w.Day, w.Dimension, w.Values)
	}
	switch {
	case len(wrong) == 0:
		fmt.Fprintf(s.out, "the numbers of site %s agree with its pageviews\n", site)
	case repair:
		fmt.Fprintf(s.out, "mended\n")
	default:
		return fmt.Errorf("the numbers of site %s differ from its pageviews: mend them with beforehand rebuild", site)
	}
	return nil
}
