package feed

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/server/watch"
)

// CheckAccounts compares the SIDs that d gives to uids and gids with those of refmond (N-133). It returns an error if
// refmond has another account or group for an id. It passes the number of ids that refmond does not know to Warn. While
// refmond does not answer it tries again every Beat, and passes the first failure to Warn. A refusal by refmond, and
// the end of the context, are errors at once.
func (f *Follower) CheckAccounts(ctx context.Context, d *directory.Directory) error {
	list := slices.Clone(d.IDs())
	unknown := 0
	for piece := range slices.Chunk(list, maxIDs) {
		n, err := f.checkPiece(ctx, piece)
		if unknown += n; err != nil {
			return err
		}
	}
	if unknown > 0 {
		f.warn(fmt.Errorf("refmond has no accounts for %d uids and gids of the directory: its mounts give these users only "+
			"the rights of %s-UID, and the index those of their SIDs", unknown, directory.UnixUsers))
	}
	return nil
}

// checkPiece compares the SIDs of up to maxIDs uids and gids with refmond's. checkPiece returns the number that refmond
// does not know. A SID that differs from refmond's is an error. checkPiece waits for refmond until ctx ends, and warns
// once. A refusal by refmond is an error.
func (f *Follower) checkPiece(ctx context.Context, list []directory.AccountID) (unknown int, err error) {
	a, err := f.accounts(ctx, list)
	for warned := false; err != nil; a, err = f.accounts(ctx, list) {
		var no *refusal
		if errors.As(err, &no) || ctx.Err() != nil {
			return 0, errors.Join(ctx.Err(), err)
		}
		if !warned {
			f.warn(fmt.Errorf("source %s: ask refmond for its accounts: %w", f.Root, err))
			warned = true
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(f.beatInterval()):
		}
	}
	for _, x := range list {
		from, kind, none := &a.Users, "uid", directory.UnixUsers
		if x.Group {
			from, kind, none = &a.Groups, "gid", directory.UnixGroups
		}
		s := (*from)[0]
		*from = (*from)[1:]
		switch {
		case s == x.SID:
		case s == none.WithRID(x.ID):
			unknown++
		default:
			return 0, fmt.Errorf("the directory says that %s %d is %s, and refmond says %s, so the index would answer "+
				"differently from refmond's mounts: use refmond's SIDs (refmond account list) in the directory",
				kind, x.ID, x.SID, s)
		}
	}
	return unknown, nil
}

// accounts requests the SIDs of uids and gids from refmond, once. The answer has one SID for each, users and groups in
// the order of list. Errors are a refmond that cannot be reached, refuses, or returns another number of SIDs, and the
// end of ctx.
func (f *Follower) accounts(ctx context.Context, list []directory.AccountID) (a answer, err error) {
	q := &question{}
	for _, x := range list {
		if x.Group {
			q.Groups = append(q.Groups, x.ID)
		} else {
			q.Users = append(q.Users, x.ID)
		}
	}
	conn, err := f.ask(ctx, q)
	if err != nil {
		return a, err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if a, err = readAnswer(bufio.NewReader(conn)); err != nil {
		return a, err
	}
	if len(a.Users) != len(q.Users) || len(a.Groups) != len(q.Groups) {
		return a, fmt.Errorf("the server returned %d SIDs for %d uids and gids", len(a.Users)+len(a.Groups), len(list))
	}
	return a, nil
}

// beatInterval returns the time between heartbeats; [watch.DefaultBeat] if Beat is 0.
func (f *Follower) beatInterval() time.Duration {
	if f.Beat == 0 {
		return watch.DefaultBeat
	}
	return f.Beat
}

// warn passes err to Warn; it drops it if Warn is nil.
func (f *Follower) warn(err error) {
	if f.Warn != nil {
		f.Warn(err)
	}
}
