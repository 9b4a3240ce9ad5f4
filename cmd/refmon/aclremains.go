package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/refmon/refmon/internal/cli/acltree"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// remains warns about entries of the same users and groups that weaken the edit: denials that still limit a grant,
// and inherited or conditional entries that survive a revocation. It also warns about the rights that the owner has
// without an entry for OWNER RIGHTS, if such entries were revoked. after is the new descriptor.
func (r *aclRun) remains(after *sd.Descriptor, steps []acltree.Step) {
	for _, s := range steps {
		for _, a := range after.DACL().All() {
			inherited := a.Flags()&sd.Inherited != 0
			switch {
			case a.SID() != s.Trustee:
			case (s.Verb == acltree.Grant || s.Verb == acltree.Set) && a.Type().IsDeny() &&
				rights(a)&s.Rights.Allow != 0:
				fmt.Fprintf(r.std.err, "refmon: an entry that denies %v to %v stays%s and comes first\n", a.Mask(), a.SID(),
					from(inherited))
			case inherited && revokes(&s, a):
				fmt.Fprintf(r.std.err, "refmon: %v keeps %v, inherited from a directory above: revoke it there\n",
					a.SID(), a.Mask())
			case grantsRevoked(&s, a):
				fmt.Fprintf(r.std.err, "refmon: %v keeps %v by an entry with a condition: remove it with refmon acl set\n",
					a.SID(), a.Mask())
			}
		}
		if s.Verb == acltree.Revoke && s.Trustee == sid.OwnerRights && after.DACL().Facts()&sd.HasOwnerRights == 0 {
			fmt.Fprintln(r.std.err, "refmon: the owner has READ_CONTROL and WRITE_DAC, because no entry for OWNER RIGHTS "+
				"remains")
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

// revokes reports whether the step s revokes an entry, or rights of it, unless the entry is inherited.
func revokes(s *acltree.Step, a sd.ACE) bool {
	kind := acltree.Grant
	if a.Type().IsDeny() {
		kind = acltree.Deny
	}
	return s.Verb == acltree.Revoke && a.SID() == s.Trustee && (s.Only == nil || *s.Only == kind) &&
		(s.Rights.Deny == 0 || rights(a)&s.Rights.Deny != 0)
}

// rights returns the rights of an entry on files. Generic rights count as the specific rights that they contain.
func rights(a sd.ACE) winnt.AccessMask { return winnt.FileObject.Mapping.Map(a.Mask()) }

// grantsRevoked reports whether an entry grants a right that the step s revokes. It returns false for a step that does
// not revoke grants.
func grantsRevoked(s *acltree.Step, a sd.ACE) bool { return !a.Type().IsDeny() && revokes(s, a) }

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
	why := "own entries or protected DACLs; add --every"
	if r.every {
		why = "entries with a condition, protected or absent DACLs; use refmon acl set"
	}
	fmt.Fprintf(r.std.err, "refmon: revoked rights remain in %s (first: %s), by %s\n", count(r.rest.Kept, "file", "files"),
		inLine(filepath.Join(r.Path, r.rest.FirstKept)), why)
	return errDenied
}

// lateFiles writes the new descriptors of a plan.
type lateFiles struct {
	run   *aclRun
	tree  *acltree.Tree
	count int // written
}

// Put writes the new descriptor of a file. It reports an error of the file, unless the file was deleted, and returns
// nil.
func (l *lateFiles) Put(e *acltree.Entry) error {
	written, err := acltree.Write(l.tree, l.run.keeper(l.run.names), e, false)
	if err != nil {
		l.report(e.Path, err)
	} else if written {
		l.count++
	}
	return nil
}

// report reports an error of a file, unless the file was deleted.
func (l *lateFiles) report(path string, err error) {
	if !errors.Is(err, fs.ErrNotExist) {
		l.run.report(path, err)
	}
}

// lateRounds limits how often late reads the tree. A directory that appears behind the first round needs a second one.
const lateRounds = 4

// late gives files the entries that their directories pass on (F-206). A file without them was created after its
// directory was planned and before it was written, so that it inherited what the directory had. late returns
// errReported if a file fails, if files still appear in its last round, or after an interrupt. It ignores files that
// were deleted. The undo file does not have the changed files.
func (r *aclRun) late(ctx context.Context, tree *acltree.Tree) error {
	l, failed, before := &lateFiles{run: r, tree: tree}, r.failed, -1
	p := acltree.Plan{Files: tree, Keeper: r.keeper(r.names), Recursive: true, Report: l.report,
		Change: func(n *acltree.Node) (*sd.Descriptor, bool, error) {
			if n.Path == "" {
				return n.Before, true, nil
			}
			after, descend, err := acltree.Renew(n)
			return after, descend || r.every, err
		}}
	var err error
	for i := 0; i < lateRounds && l.count > before && r.failed == failed && err == nil; i++ {
		before = l.count
		round := p
		_, err = round.Run(ctx, l)
	}
	if l.count > 0 {
		fmt.Fprintf(r.std.err, "refmon: %s created during the change and changed too, without an entry in the undo file\n",
			count(l.count, "file was", "files were"))
	}
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Fprintf(r.std.err, "refmon: interrupted: to look for files that were created during the change, repeat the "+
			"command with --undo-file %s\n", inLine(r.UndoFile))
		return errReported
	case err != nil:
		return fmt.Errorf("look for files that were created during the change: %w", err)
	case r.failed > failed:
		return errReported
	case l.count > before:
		fmt.Fprintf(r.std.err, "refmon: files with the earlier entries still appear: repeat the command with "+
			"--undo-file %s\n", inLine(r.UndoFile))
		return errReported
	}
	return nil
}

// keptFiles names the files of a plan whose present descriptors have one of the entries that an undo takes back.
type keptFiles struct {
	run   *aclRun
	taken []sd.ACE
	count int
}

// Put names the file, up to the one with number maxListed, if an entry that it inherited is one of those taken back,
// and not one of its directory.
func (k *keptFiles) Put(e *acltree.Entry) error {
	passed := e.After.DACL().Slice()
	for _, a := range e.Before.DACL().All() {
		was := func(t sd.ACE) bool {
			return t.Type() == a.Type() && t.Mask() == a.Mask() &&
				(t.SID() == a.SID() || t.SID() == sid.CreatorOwner || t.SID() == sid.CreatorGroup)
		}
		if a.Flags()&sd.Inherited == 0 || slices.Contains(passed, a) || !slices.ContainsFunc(k.taken, was) {
			continue
		}
		if k.count++; k.count < maxListed {
			fmt.Fprintf(k.run.std.err, "refmon: %s: keeps an inherited entry that the undo takes back\n",
				inLine(filepath.Join(k.run.Path, e.Path)))
		}
		return nil
	}
	return nil
}

// kept names the files that keep inherited entries of the root that an undo of the journal j takes back: they were
// created after the change (F-206). It also names the files that it cannot read, and ignores deleted ones. It returns
// errReported if it named a file or after an interrupt. It reads no file if the root passed on nothing new.
func (r *aclRun) kept(ctx context.Context, tree *acltree.Tree, keeper acltree.Keeper, j *acltree.Journal) error {
	k := &keptFiles{run: r}
	err := j.Each(func(e *acltree.Entry) error {
		before := e.Before.DACL().Slice()
		for _, a := range e.After.DACL().All() {
			passedOn := a.Flags()&(sd.ObjectInherit|sd.ContainerInherit) != 0
			if passedOn && e.Path == "" && !slices.Contains(before, a) {
				k.taken = append(k.taken, a)
			}
		}
		return io.EOF // stop after the root, which comes first
	})
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if err != nil || k.taken == nil {
		return err
	}
	unread := 0
	p := acltree.Plan{Files: tree, Keeper: keeper, Recursive: true,
		Change: func(n *acltree.Node) (*sd.Descriptor, bool, error) {
			if n.Path == "" {
				return n.Before, true, nil
			}
			after, _, err := acltree.Renew(n)
			return after, true, err
		},
		Report: func(path string, err error) {
			if !errors.Is(err, fs.ErrNotExist) {
				unread++
				r.report(path, err)
			}
		}}
	_, err = p.Run(ctx, k)
	if unread > 0 {
		fmt.Fprintf(r.std.err, "refmon: %s could not be read and may keep what was granted\n",
			count(unread, "file", "files"))
	}
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(r.std.err, "refmon: interrupted: to look for files that keep what was granted, repeat the command")
		return errReported
	case err != nil:
		return fmt.Errorf("look for files that keep what was granted: %w", err)
	case k.count > 0:
		fmt.Fprintf(r.std.err, "refmon: %s: run refmon acl inherit for each\n", count(k.count, "file keeps such an entry",
			"files keep such entries"))
		return errReported
	case unread > 0:
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
