package main

import (
	"context"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/server/index"
)

// checkedRoster is a roster whose directory versions must pass a check before the index receives them.
type checkedRoster struct {
	roster index.Roster
	check  func(context.Context, *directory.Directory) error
}

// Run runs the roster and forwards its versions to out, after the check of each. It returns the first error of the
// roster or the check, and nil after ctx ends.
func (c checkedRoster) Run(ctx context.Context, out chan<- index.Version) error {
	inner, stop := context.WithCancel(ctx)
	versions, done := make(chan index.Version), make(chan error, 1)
	go func() { done <- c.roster.Run(inner, versions) }()
	err := c.forward(ctx, versions, out, done)
	stop()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// forward checks versions and sends them to out until ctx ends, the check fails or the roster is done. A version
// without people is not checked. The end of ctx is not an error. It returns nil if the roster ends without an error.
func (c checkedRoster) forward(ctx context.Context, in <-chan index.Version, out chan<- index.Version,
	done <-chan error) error {
	for {
		select {
		case v := <-in:
			if v.People != nil {
				if err := c.check(ctx, v.People); err != nil {
					return err
				}
			}
			select {
			case out <- v:
			case <-ctx.Done():
				return nil
			}
		case err := <-done:
			return err
		case <-ctx.Done():
			return nil
		}
	}
}
