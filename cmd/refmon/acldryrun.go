package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/refmon/refmon/internal/cli/acltree"
	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/sid"
)

// dry prints who would gain and lose rights, without changing the tree. Without a directory of users it prints only
// the counts. It returns errDenied if rights would change, and errReported if some files could not be planned.
func (r *aclRun) dry(ctx context.Context, tree *acltree.Tree) error {
	file, err := os.CreateTemp("", "refmon-acl-*")
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	if err := os.Remove(file.Name()); err != nil {
		return err
	}
	counts, err := r.plan(ctx, tree, file, acltree.Header{Root: tree.Path, Keeper: "none", Command: r.command}, false)
	if err != nil {
		return err
	}
	j, err := acltree.ReadJournal(file)
	if err != nil {
		return err
	}
	said := r.say(fmt.Sprintf("%s would change", count(counts.Changed, "file", "files")), counts)
	if said != nil && !errors.Is(said, errReported) || counts.Changed == 0 {
		return said
	}
	people, err := r.people()
	if err != nil {
		return err
	}
	if len(people.Principals) == 0 {
		fmt.Fprintln(r.std.err, "refmon: to see who gains and loses rights, give users and groups with -d")
		return said
	}
	bar := newBar(r.std, 0, r.Quiet)
	d := &bulk.Diff{Directory: people, Summary: !r.Each, Out: bar.over(r.std.out)}
	d.Before, d.After = j.Sources(r.Path)
	d.Table.Width, d.Table.Colour = r.std.width, r.std.colour
	d.Progress, d.CacheBytes = bar.show, cacheBytes()
	out, err := d.Do(ctx)
	bar.clear()
	if len(r.Directory)+len(r.Token) == 0 {
		out.Unmapped = 0 // without a directory file, no account is missing from it
	}
	return errors.Join(concludeDiff(r.std, &out, err), said)
}

// people returns the principals that dry compares: those of -d and --token, or else the users and groups of the change.
// An account named twice counts once. An account that cannot be added is only reported to standard error.
func (r *aclRun) people() (*directory.Directory, error) {
	if len(r.Directory)+len(r.Token) > 0 {
		return r.directory(r.std)
	}
	kind, _, err := kindOf(r.Logon)
	if err != nil {
		return nil, err
	}
	accounts := directory.Accounts{Logon: kind}
	known := map[sid.SID]bool{}
	for _, t := range r.trustees {
		switch {
		case t.From == "SDDL" || t.From == acltree.WellKnown || known[t.SID]:
		case t.Group:
			accounts.Groups = append(accounts.Groups, directory.Group{Name: t.name, SID: t.SID})
		default:
			accounts.Users = append(accounts.Users, directory.User{Name: t.name, SID: t.SID})
		}
		known[t.SID] = true
	}
	people, err := directory.New(&accounts)
	if err != nil {
		return nil, err
	}
	for _, t := range r.trustees {
		if _, note, err := people.FindOrAdd(t.SID.String()); err != nil {
			fmt.Fprintf(r.std.err, "refmon: %s\n", printable(err.Error()))
		} else if note != "" {
			fmt.Fprintf(r.std.err, "refmon: %s\n", printable(note))
		}
	}
	return people, nil
}
