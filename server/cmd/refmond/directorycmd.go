package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/outfile"
	"github.com/refmon/refmon/server/auth/ldap"
)

type directoryCmd struct {
	Export directoryExportCmd `cmd:"" help:"Export users, groups and the descriptors of objects."`
	Find   directoryFindCmd   `cmd:"" help:"Show the groups and claims that a user would get from the directory."`
}

type directoryExportCmd struct {
	Config  string `help:"The configuration; its key directory names the servers." placeholder:"FILE" required:""`
	People  string `help:"Write users and groups to this directory file; - for standard output." placeholder:"FILE"`
	Objects string `help:"Write the descriptors of objects to this LDIF file; - for standard output." placeholder:"FILE"`
	Base    string `help:"Write the objects below this DN; the whole domain by default." placeholder:"DN"`
	Audit   bool   `help:"Also export SACLs, for which the account needs SeSecurityPrivilege in the domain."`
}

// Help returns the long text of --help for the command directory export.
func (directoryExportCmd) Help() string {
	return `refmond need not run. An old file stays until the new one is complete. refmon who-can, diff and report
read both files:

  refmond directory export --config refmond.yaml --people people.yaml \
    --objects objects.ldif
  refmon who-can write -o objects.ldif -d people.yaml`
}

// Run writes the users and groups, the objects, or both, to the files of the flags. It returns an error without
// --people and --objects, if both name one path, and for --base or --audit without --objects. It prints counts, and
// references that it left out, to std.err. Users are written before objects. A failure of the objects leaves the file
// of users. Each file is replaced atomically.
func (c directoryExportCmd) Run(std *streams) error {
	if c.People != "" && c.Objects != "" && filepath.Clean(c.People) == filepath.Clean(c.Objects) {
		return errors.New("directory export: --people and --objects name the same file")
	}
	if c.People == "" && c.Objects == "" {
		return errors.New("directory export: give --people or --objects")
	}
	if c.Objects == "" && (c.Base != "" || c.Audit) {
		return errors.New("directory export: --base and --audit select objects: give --objects too")
	}
	d, err := openConfigured(c.Config)
	if err != nil {
		return err
	}
	defer d.Close() //nolint:errcheck // only idle connections remain
	ctx := context.Background()
	if c.People != "" {
		var list ldap.People
		if err := d.People(ctx, &list); err != nil {
			return err
		}
		text := dirfile.Write(list.Accounts())
		printLeftOut(std.err, list.Unresolved)
		err := writeTo(c.People, std.out, func(w io.Writer) error {
			_, err := w.Write(text)
			return err
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(std.err, "%d users, %d groups\n", len(list.Accounts().Users), len(list.Accounts().Groups))
	}
	if c.Objects == "" {
		return nil
	}
	return writeTo(c.Objects, std.out, func(w io.Writer) error {
		n, unread, err := d.Objects(ctx, c.Base, c.Audit, w)
		if err == nil {
			fmt.Fprintf(std.err, "%d objects, %d whose descriptor may not be read\n", n, unread)
		}
		return err
	})
}

// printLeftOut prints a line for each reference that an export leaves out.
func printLeftOut(w io.Writer, unresolved []string) {
	for _, u := range unresolved {
		fmt.Fprintf(w, "refmond: left out: %s\n", inLine(u))
	}
}

// openConfigured returns a client of the directory that a configuration file names. A configuration without servers
// is an error. The caller closes it. It does not connect yet.
func openConfigured(file string) (*ldap.Directory, error) {
	cfg, err := load(file)
	if err != nil {
		return nil, err
	}
	d, err := cfg.openDirectory(nil, nil)
	if err == nil && d == nil {
		err = fmt.Errorf("%s has no servers in its key directory", file)
	}
	return d, err
}

// writeTo replaces a file by the output of write. A new file has the mode 0600, and an old one is unchanged after an
// error. If file is "-", write gets out instead.
func writeTo(file string, out io.Writer, write func(io.Writer) error) error {
	if file == "-" {
		return write(out)
	}
	return outfile.Write(file, 0o600, write)
}

type directoryFindCmd struct {
	Config string `help:"The configuration; its key directory names the servers." placeholder:"FILE" required:""`
	Name   string `arg:"" help:"The name of the account, without a domain."`
}

// Run prints the account's SID and restriction, its groups, the dropped SIDs and its claims. An unknown name is
// an error.
func (c directoryFindCmd) Run(std *streams) error {
	d, err := openConfigured(c.Config)
	if err != nil {
		return err
	}
	defer d.Close() //nolint:errcheck // only idle connections remain
	f, err := d.Find(context.Background(), c.Name, true)
	if err != nil {
		return err
	}
	return printFound(std.out, f)
}

// printFound prints an account of the directory. Names of accounts and claims are from the directory, so they are
// printed without control characters.
func printFound(w io.Writer, f *ldap.Found) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s %v %v\n", inLine(f.Name), f.SID, f.Restricted)
	for _, g := range f.Groups {
		fmt.Fprintf(out, "  group %v\n", g.SID)
	}
	for _, g := range f.Dropped {
		fmt.Fprintf(out, "  dropped %v: %s\n", g.SID, g.Why)
	}
	for _, a := range f.Claims.All() {
		fmt.Fprintf(out, "  claim %s of type %v, %d values\n", inLine(a.Name), a.Type, a.Len())
	}
	return out.Flush()
}
