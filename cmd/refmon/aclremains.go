package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/refmon/refmon/internal/cli/acltree"
	"github.com/refmon/refmon/sd"
)

// remains warns about entries of the same users and groups that weaken the edit: denials that still limit a grant,
// and inherited or conditional entries that survive a revocation. after is the new descriptor.
func (r *aclRun) remains(after *sd.Descriptor, steps []acltree.Step) {
	for _, s := range steps {
		for _, a := range after.DACL().All() {
			inherited := a.Flags()&sd.Inherited != 0
			switch {
			case a.SID() != s.Trustee:
			case (s.Verb == acltree.Grant || s.Verb == acltree.Set) && a.Type().IsDeny() && a.Mask()&s.Rights.Allow != 0:
				fmt.Fprintf(r.std.err, "refmon: an entry that denies %v to %v stays%s and comes first\n", a.Mask(), a.SID(),
					from(inherited))
			case s.Verb == acltree.Revoke && inherited:
				fmt.Fprintf(r.std.err, "refmon: %v keeps %v, inherited from a directory above: revoke it there\n",
					a.SID(), a.Mask())
			case grantsRevoked(&s, a):
				fmt.Fprintf(r.std.err, "refmon: %v keeps %v by an entry with a condition: remove it with refmon acl set\n",
					a.SID(), a.Mask())
			}
		}
	}
}

// from returns the words about inheritance that follow an entry in a warning; "" if the entry is not inherited.
func from(inherited bool) string {
	if inherited {
		return ", inherited from a directory above,"
	}
	return ""
}

// grantsRevoked reports whether an entry grants a right that the step s revokes. It returns false for a step that does
// not revoke grants.
func grantsRevoked(s *acltree.Step, a sd.ACE) bool {
	return revokesGrants(s) && a.SID() == s.Trustee && !a.Type().IsDeny() &&
		(s.Rights.Deny == 0 || a.Mask()&s.Rights.Deny != 0)
}

// revokesGrants reports whether a step revokes grants, and not denials only.
func revokesGrants(s *acltree.Step) bool {
	return s.Verb == acltree.Revoke && (s.Only == nil || *s.Only != acltree.Deny)
}

// keeps counts path if its new descriptor, after, still grants what a revoke step removes (B-112). Inherited entries
// count only if the DACL is protected. An absent DACL grants everything. Revoke steps for denials only are ignored. A
// file counts once; the first path is stored.
func (r *aclRun) keeps(path string, after *sd.Descriptor, steps []acltree.Step) {
	grants := func(s *acltree.Step) bool {
		for _, a := range after.DACL().All() {
			own := a.Flags()&sd.Inherited == 0 || after.Control()&sd.DACLProtected != 0
			if own && grantsRevoked(s, a) {
				return true
			}
		}
		return after.DACL() == nil && revokesGrants(s)
	}
	for i := range steps {
		if grants(&steps[i]) {
			if r.rest.Kept++; r.rest.Kept == 1 {
				r.rest.FirstKept = path
			}
			return
		}
	}
}

// keptBy warns if descendants still grant what the command revoked: it prints their number and returns errDenied. It
// returns nil if no descendant does.
func (r *aclRun) keptBy() error {
	if r.rest.Kept == 0 {
		return nil
	}
	fmt.Fprintf(r.std.err, "refmon: revoked rights remain in %s (first: %s), by own entries or protected DACLs; add "+
		"--every\n", count(r.rest.Kept, "file", "files"), inLine(filepath.Join(r.Path, r.rest.FirstKept)))
	return errDenied
}

// lateFiles reports the files of a plan.
type lateFiles struct {
	run   *aclRun
	count int
}

// Put prints the path of a file, up to the one with number maxListed.
func (l *lateFiles) Put(e *acltree.Entry) error {
	if l.count++; l.count < maxListed {
		fmt.Fprintf(l.run.std.err, "refmon: %s: its inherited entries are not those of its directory\n",
			inLine(filepath.Join(l.run.Path, e.Path)))
	}
	return nil
}

// late reports files that do not have the entries that their directories pass on (F-206). Such a file was created after
// its directory was planned and before it was written, so that it inherited what the directory had. late returns
// errReported if there is one, if a file cannot be read, or after an interrupt. It ignores files that were deleted.
func (r *aclRun) late(ctx context.Context, tree *acltree.Tree) error {
	l, failed := &lateFiles{run: r}, r.failed
	p := acltree.Plan{Files: tree, Keeper: r.keeper(r.names), Recursive: true,
		Change: func(n *acltree.Node) (*sd.Descriptor, bool, error) {
			if n.Path == "" {
				return n.Before, true, nil
			}
			after, descend, err := acltree.Renew(n)
			return after, descend || r.every, err
		},
		Report: func(path string, err error) {
			if !errors.Is(err, fs.ErrNotExist) {
				r.report(path, err)
			}
		}}
	_, err := p.Run(ctx, l)
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Fprintf(r.std.err, "refmon: interrupted: to look for files that were created during the change, repeat the "+
			"command with --undo-file %s\n", inLine(r.UndoFile))
		return errReported
	case err != nil:
		return fmt.Errorf("look for files that were created during the change: %w", err)
	case l.count > 0:
		fmt.Fprintf(r.std.err, "refmon: %s created during the change: run refmon acl inherit for each\n",
			count(l.count, "file was", "files were"))
		return errReported
	case r.failed > failed:
		return errReported
	}
	return nil
}

// notRecursive says that the members of a directory keep their entries, if the change is without -r and there are some.
func (r *aclRun) notRecursive(tree *acltree.Tree) {
	if list, err := tree.List(""); r.direct && !r.Recursive && err == nil && len(list) > 0 {
		fmt.Fprintln(r.std.err, "refmon: the files below keep their entries; add -r to change them too")
	}
}
