package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/refmon/refmon/internal/cli/acltree"
	"github.com/refmon/refmon/internal/cli/bulk"
)

// keeperFlags say where the descriptors of files are kept.
type keeperFlags struct {
	Offline   bool   `help:"${offline}"`
	Attribute string `default:"security.NTACL" help:"With --offline: the extended attribute." placeholder:"NAME"`
}

// keeper returns the store that the flags select: the extended attribute itself with --offline, and otherwise
// the mount. The offline store uses the accounts of names; nil means none.
func (f *keeperFlags) keeper(names *acltree.Names) acltree.Keeper {
	if !f.Offline {
		return acltree.Mount{}
	}
	o := acltree.Offline{Attribute: f.Attribute}
	if names != nil {
		o.Accounts = names.Accounts
	}
	return o
}

// editFlags are those of commands that change DACLs of many files.
type editFlags struct {
	Path        string `arg:"" help:"A file or directory."`
	Recursive   bool   `help:"Also update the inherited entries of all descendants." short:"r"`
	DryRun      bool   `help:"Write nothing, and list who gains and loses what." short:"n"`
	Each        bool   `help:"With --dry-run: print a row for each user and file instead of each folder."`
	UndoFile    string `help:"${undoFile}" placeholder:"FILE"`
	keeperFlags `embed:""`
	namesFlags  `embed:""`
	Quiet       bool `help:"No progress bar." short:"q"`
}

// aclRun is one change of the DACLs of many files, from its plan to the written descriptors. It is used once.
type aclRun struct {
	*editFlags
	std      *streams
	command  string     // the change, as the command line gives it, without -r and files
	files    []nameFile // the change depends on them
	names    *acltree.Names
	change   acltree.Change
	trustees []trustee    // asked about by a dry run without a directory
	planned  func() error // called when the plan is complete, before its commit; nil: not
	direct   bool         // without -r, say that members keep their entries
	inherits bool         // with -r, descendants get what their directories pass on
	every    bool         // with -r, those below a protected DACL too
	failed   int          // files that report was called for
	rest     acltree.Rest // Failed is set when the plan is complete
}

// trustee is a user or group as the command line names it.
type trustee struct {
	name string
	acltree.Account
}

// do plans the change into a journal and then writes the descriptors. A dry run writes neither. An existing journal
// of this change is continued if complete, and planned again if unfinished. A journal of another change is an error.
// The journal is removed if planning fails or nothing changes.
func (r *aclRun) do() error {
	ctx, cancel := interrupted()
	defer cancel()
	tree, err := r.open()
	if err != nil {
		return err
	}
	defer tree.Close()
	r.notRecursive(tree)
	if r.DryRun {
		return cmp.Or(r.dry(ctx, tree), r.keptBy())
	}
	file, err := r.journal()
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // synced before a file is changed
	if err := acltree.Lock(file, true); err != nil {
		return fmt.Errorf("--undo-file %s: %w", inLine(r.UndoFile), err)
	}
	header := r.header(tree.Path)
	switch j, err := acltree.ReadJournal(file); { // a new one is unfinished, unless another run was faster
	case err == nil && j.Change == "":
		name := inLine(r.UndoFile)
		return fmt.Errorf("--undo-file %s is of an earlier version of refmon, whose changes this one cannot continue: "+
			"run refmon acl undo %s first, then name a new file", name, name)
	case err == nil && (j.Root != header.Root || j.Keeper != header.Keeper || j.Change != header.Change):
		return fmt.Errorf("--undo-file %s is of another change, %s in %s: name a new file", inLine(r.UndoFile),
			inLine(j.Command), inLine(j.Root))
	case err == nil:
		fmt.Fprintf(r.std.err, "refmon: continuing with %s\n", inLine(r.UndoFile))
		if j.Failed > 0 {
			fmt.Fprintf(r.std.err, "refmon: %s could not be read or changed before the interruption and will not be "+
				"changed now: change each with a command of its own\n", count(j.Failed, "file", "files"))
		}
		return r.write(ctx, tree, j)
	case !errors.Is(err, acltree.ErrUnfinished):
		return fmt.Errorf("--undo-file %s: %w", inLine(r.UndoFile), err)
	}
	if err := errors.Join(file.Truncate(0), seekStart(file)); err != nil {
		return err
	}
	counts, err := r.plan(ctx, tree, file, header, true)
	if err != nil || counts.Changed == 0 {
		err = errors.Join(err, os.Remove(file.Name()))
		if err == nil {
			err = cmp.Or(r.say("nothing to change", counts), r.keptBy())
		}
		return err
	}
	j, err := acltree.ReadJournal(file)
	if err != nil {
		return err
	}
	if err := r.say(fmt.Sprintf("%s to change", count(counts.Changed, "file", "files")), counts); err != nil &&
		!errors.Is(err, errReported) {
		return err
	}
	return r.write(ctx, tree, j)
}

// header describes the run for its undo file. The identity of a change has the contents of its files, not their names.
func (r *aclRun) header(root string) acltree.Header {
	command := r.command
	if r.Recursive {
		command += " --recursive"
	}
	change := []byte(command)
	for _, f := range r.files {
		command += " " + f.flag + " " + f.name
		change = fmt.Appendf(change, "\n%s %x", f.flag, f.sum)
	}
	return acltree.Header{Root: root, Keeper: r.keeper(r.names).Name(), Command: command,
		Change: fmt.Sprintf("%x", sha256.Sum256(change))}
}

// seekStart makes the next read of f begin at its first byte. It fails for a pipe.
func seekStart(f *os.File) error {
	_, err := f.Seek(0, 0)
	return err
}

// plan computes the changes of the tree into a journal in file, which is on disk afterwards if durable is set. It
// changes no descriptor. Before the commit it calls r.planned, if set. An interrupt and an error of r.planned are
// errors.
func (r *aclRun) plan(ctx context.Context, tree *acltree.Tree, file *os.File, h acltree.Header, durable bool) (
	counts acltree.Counts, err error) {
	w, err := acltree.NewWriter(file, h)
	if err != nil {
		return counts, err
	}
	bar := newBar(r.std, 0, r.Quiet)
	p := acltree.Plan{Files: tree, Keeper: r.keeper(r.names), Recursive: r.Recursive, Change: r.change, Report: r.report,
		Progress: func(c acltree.Counts) { bar.show(bulk.Position{Objects: c.Files, Unreadable: c.Failed}) }}
	counts, err = p.Run(ctx, w)
	bar.clear()
	switch {
	case errors.Is(err, context.Canceled):
		return counts, errors.New("interrupted: nothing was changed")
	case errors.As(err, new(*acltree.LookupError)):
		return counts, fmt.Errorf("nothing was changed: %w", err)
	case err != nil:
		if about := new(fs.PathError); errors.As(err, &about) && about.Path == "" { // the root of the tree
			err = about.Err
		}
		return counts, r.unopened(fmt.Errorf("%s: %w", inLine(r.Path), err))
	}
	r.rest.Failed = counts.Failed
	w.Rest = r.rest
	if r.planned != nil {
		if err := r.planned(); err != nil {
			return counts, err
		}
	}
	return counts, w.Commit(durable)
}

// report counts a file that fails and prints it to standard error. In place of the one with number maxListed it prints
// that more failed, and then nothing.
func (r *aclRun) report(path string, err error) {
	switch r.failed++; {
	case r.failed > maxListed:
		return
	case r.failed == maxListed:
		fmt.Fprintln(r.std.err, "refmon: more files failed; only their number follows")
		return
	}
	var about *fs.PathError
	if errors.As(err, &about) {
		err = about.Err
	}
	fmt.Fprintf(r.std.err, "refmon: %s: %s\n", inLine(filepath.Join(r.Path, path)), inLine(err.Error()))
}

// say prints the progress or the result of a run: the number of visited files, the text what, and the other counts
// that are not 0. It returns errReported if files failed.
func (r *aclRun) say(what string, c acltree.Counts) error {
	text := fmt.Sprintf("%s visited, %s", count(c.Files, "file", "files"), what)
	if c.Protected > 0 {
		text += fmt.Sprintf("; %s, left with all below", count(c.Protected, "protected DACL", "protected DACLs"))
	}
	if c.Skipped > 0 {
		text += fmt.Sprintf("; %s skipped", count(c.Skipped, "link or device", "links and devices"))
	}
	if c.Failed > 0 {
		text += fmt.Sprintf("; %d failed", c.Failed)
	}
	if _, err := fmt.Fprintln(r.std.out, text); err != nil {
		return err
	}
	if c.Failed > 0 {
		return errReported
	}
	return nil
}

// write applies a journal that is on disk, and prints how to undo it. It returns errReported if files failed or the run
// was interrupted; repeating the command continues the change. Files that could not be planned count as failed. If
// descendants still grant revoked rights, it warns and returns errDenied (B-112). Files that appeared after the plan
// are changed, too.
func (r *aclRun) write(ctx context.Context, tree *acltree.Tree, j *acltree.Journal) error {
	r.rest = j.Rest
	err := r.apply(ctx, tree, j)
	if err == nil && r.inherits && r.Recursive {
		err = r.late(ctx, tree)
	}
	return cmp.Or(err, r.keptBy())
}

// apply writes the descriptors of a journal and prints the result. Its errors are those of write, without errDenied.
func (r *aclRun) apply(ctx context.Context, tree *acltree.Tree, j *acltree.Journal) error {
	bar := newBar(r.std, int64(j.Entries), r.Quiet)
	stale := 0 // files for which this journal can never be continued
	out, err := acltree.Run(ctx, tree, r.keeper(r.names), j, false, func(path string, err error) {
		if errors.Is(err, acltree.ErrChanged) || errors.Is(err, acltree.ErrReplaced) {
			stale++
		}
		r.report(path, err)
	}, func(o acltree.Outcome) { bar.show(position(o)) })
	bar.clear()
	name := inLine(r.UndoFile)
	undo := "; to undo: refmon acl undo " + name
	if out.Written+out.Already == 0 {
		undo = ""
	}
	fmt.Fprintf(r.std.out, "%s changed%s\n", count(out.Written, "file", "files"), undo)
	if r.Offline && out.Written > 0 {
		fmt.Fprintln(r.std.err, "refmon: written offline, without an access check or an audit record")
	}
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Fprintf(r.std.err, "refmon: interrupted: to continue, repeat the command with --undo-file %s\n", name)
		return errReported
	case err != nil:
		return err
	case out.Failed > 0:
		if n := out.Failed - stale; n > 0 {
			fmt.Fprintf(r.std.err, "refmon: %s could not be written: to try again, repeat the command with --undo-file %s\n",
				count(n, "file", "files"), name)
		}
		if stale > 0 {
			fmt.Fprintf(r.std.err, "refmon: %s changed by another program: to plan the change again, repeat the command "+
				"with a new undo file\n", count(stale, "file was", "files were"))
		}
		return errReported
	case j.Failed > 0:
		return errReported
	}
	return nil
}

// position converts an outcome to a position for the progress display. Offset and Objects both count files.
func position(o acltree.Outcome) bulk.Position {
	n := o.Written + o.Already + o.Failed
	return bulk.Position{Objects: n, Offset: int64(n), Unreadable: o.Failed}
}

// journal opens the undo file, and chooses its name if --undo-file is missing. It creates a missing one with the mode
// 0600. A file that cannot be opened is an error, and then f is nil.
func (r *aclRun) journal() (f *os.File, err error) {
	if r.UndoFile == "" {
		if r.UndoFile, err = newUndoName(); err != nil {
			return nil, err
		}
	}
	f, err = os.OpenFile(r.UndoFile, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		if err := regular(r.UndoFile); err != nil {
			return nil, err
		}
		return os.OpenFile(r.UndoFile, os.O_RDWR, 0)
	}
	return f, err
}

// newUndoName returns a new file name in the caller's state directory, which it creates. It creates no file. It
// returns an error if there is no home directory.
func newUndoName() (string, error) {
	dir := os.Getenv("XDG_STATE_HOME")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("%w: name the undo file with --undo-file", err)
		}
		dir = filepath.Join(home, ".local", "state")
	}
	dir = filepath.Join(dir, "refmon")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("%w: name the undo file with --undo-file", err)
	}
	return filepath.Join(dir, "acl-"+time.Now().UTC().Format("20060102-150405")+"-"+rand.Text()[:6]+".undo"), nil
}
