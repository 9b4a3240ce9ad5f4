package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/collect"
	accounts "github.com/refmon/refmon/internal/directory/source"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/source"
	"github.com/refmon/refmon/sid"
)

// accountsOf uses an LDIF file of objects as the source of account names too, and of the domain if there is no
// --domain. It ignores other files, LDIF whose accounts cannot be read, and any file with -d.
func (p *lintPage) accountsOf(file []byte) {
	if p.names != nil || accounts.Form(file) != "ldif" { // -d names them
		return
	}
	var list collect.Collector
	if err := accounts.Read(&list, "ldif", file); err != nil {
		return
	}
	d, err := directory.New(list.Accounts())
	if err != nil {
		return
	}
	if p.names = d; p.domain.IsZero() {
		p.domain = d.Domain
	}
}

// directoryFor reads the principals of a question about some objects. Without flags for principals it takes them from
// an objects file in LDIF or of BloodHound (B-82). It is an error if a path is such a file instead.
func (c *directoryFlags) directoryFor(std *streams, o *objectsFlags, paths []string) (*directory.Directory, error) {
	if err := c.fromObjects(std, o); err != nil {
		return nil, err
	}
	if len(c.Directory)+len(c.Token) == 0 && o.Objects == "" && len(paths) > 0 && source.Holds(paths[0]) {
		return nil, fmt.Errorf("%s holds the descriptors of other objects: give it as --objects %[1]s", inLine(paths[0]))
	}
	return c.directory(std)
}

// absent returns an error with the right command if --objects is missing. That is so if a directory file contains
// objects, and a path does not exist or there are no paths. Existing paths are files, which need no objects file.
func (c *objectsFlags) absent(paths []string) error {
	if c.Objects != "" {
		return nil
	}
	missing := slices.IndexFunc(paths, func(path string) bool {
		_, err := os.Lstat(path)
		return errors.Is(err, fs.ErrNotExist)
	})
	at := slices.IndexFunc(c.accountFiles, source.Holds)
	switch {
	case at < 0 || missing < 0 && len(paths) > 0:
		return nil
	case missing < 0:
		return fmt.Errorf("the objects are missing: to ask about those of %s, give -o %[1]s", inLine(c.accountFiles[at]))
	}
	return fmt.Errorf("there is no file %q: to ask about that object of %s, give -o %[2]s", paths[missing],
		inLine(c.accountFiles[at]))
}

// fromObjects uses the objects file as the directory file too, if no principals are named (B-82). That requires LDIF
// or a BloodHound collection; other files and unreadable ones are ignored. A pipe that serves as both is copied to a
// temporary file, which may fail.
func (c *directoryFlags) fromObjects(std *streams, o *objectsFlags) error {
	if o.Objects == "" {
		o.accountFiles = c.Directory
		return nil
	}
	p := std.pipe(o.Objects)
	if len(c.Directory)+len(c.Token) == 0 && (p == nil && hasAccounts(o.Objects) || p != nil && showAccounts(p.head)) {
		c.Directory = []string{o.Objects}
	}
	if slices.Contains(c.Directory, o.Objects) {
		return p.keep() // the file is read twice: for accounts and for objects
	}
	return nil
}

// hasAccounts reports whether an objects file also has all accounts of its directory. That is true for LDIF and a
// collector's zip, and false for a collector's single JSON file. A pipe and an unreadable file give false. Opening
// the file later reports the error.
func hasAccounts(name string) bool { return showAccounts(headOf(name)) }

// showAccounts reports whether a file with this beginning contains all accounts of its directory: LDIF, or the zip of
// a collector.
func showAccounts(head []byte) bool {
	form := accounts.Form(head)
	return form == "ldif" || form == "bloodhound" && bytes.HasPrefix(head, []byte("PK"))
}

// headOf returns the first 64 KiB of a regular file. It returns nil for a file that it cannot read, and for a pipe,
// whose bytes can be read only once: by the reader of the objects. An empty file gives an empty head.
func headOf(name string) []byte {
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }() // only read
	head, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err != nil {
		return nil
	}
	return head
}

// nameIn returns the account name of the SID in an ACL entry, given as SDDL text. It returns "" for a SID without a
// name, a malformed SID, and an entry with a condition (U-121).
func (p *lintPage) nameIn(entry string) string {
	fields := strings.Split(strings.Trim(entry, "()"), ";")
	if len(fields) != 6 {
		return ""
	}
	who, err := sid.Resolve(fields[5], p.domain)
	if err != nil {
		return ""
	}
	return namesOf(p.names)(who)
}

// domainOfLDIF returns the domain SID of an LDIF file. It is that of the domain object, or else of the accounts
// (B-125). Any other file, a pipe, objects or accounts of several domains and an unreadable file give the zero SID.
// Opening the file later reports the error.
func domainOfLDIF(name string) sid.SID {
	if name == "" || name == "-" || accounts.Form(headOf(name)) != "ldif" {
		return sid.SID{}
	}
	f, err := os.Open(name)
	if err != nil {
		return sid.SID{}
	}
	defer func() { _ = f.Close() }() // only read
	s, err := source.Open(name, f)
	if err != nil {
		return sid.SID{}
	}
	var head, of sid.SID
	heads, several := false, false
	err = objects.Each(context.Background(), s, func(_ *objects.Batch, o *objects.Object) error {
		switch {
		case o.Entry == nil:
		case o.Entry.Is("domainDNS") && !o.Entry.SID.IsZero():
			heads = heads || !head.IsZero() && head != o.Entry.SID
			head = o.Entry.SID.Clone()
		default:
			if d := collect.DomainOf(o.Entry.SID); !d.IsZero() {
				several = several || !of.IsZero() && of != d
				of = d.Clone()
			}
		}
		return nil
	})
	switch {
	case err != nil, heads:
		return sid.SID{}
	case head.IsZero() && !several:
		return of
	}
	return head
}
