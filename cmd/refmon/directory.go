package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/collect"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/directory/source"
	"github.com/refmon/refmon/internal/outfile"
)

// directoryCmd has the commands about directory files.
type directoryCmd struct {
	From directoryFromCmd `cmd:"" help:"Convert users and groups of other systems to a directory file."`
}

// directoryFromCmd holds the arguments and flags of refmon directory from.
type directoryFromCmd struct {
	Form    string   `arg:"" help:"passwd, getent, pdbedit, wbinfo, ldif, samba-tool, csv, bloodhound, or auto."`
	Files   []string `arg:"" name:"file" help:"Files to read, - for standard input."`
	With    []string `help:"${with}" placeholder:"FORM:FILE" sep:"none"`
	Members []string `help:"${members}" placeholder:"GROUP=FILE" sep:"none"`
	Out     string   `help:"Write to FILE instead of standard output." placeholder:"FILE"`
}

// Help returns the long text of --help for refmon directory from.
func (directoryFromCmd) Help() string {
	return `Reads users and groups from files of other systems, and writes the directory file
that who-can, what-can, access, diff and report use.

  refmon directory from passwd /etc/passwd /etc/group --out company.yaml
  pdbedit -L -v | refmon directory from pdbedit - --with passwd:/etc/passwd
  refmon directory from csv users.csv groups.csv --members Staff=staff.csv
  refmon directory from bloodhound 20261121_BloodHound.zip

passwd (or getent) takes lines of passwd and of group. ldif is the output of ldapsearch; ask
it for objectClass, objectSid, sAMAccountName, memberOf, member, groupType,
primaryGroupID, sIDHistory, userAccountControl, uidNumber and gidNumber. samba-tool takes
the output of user show and group show, one after the other, and of user list and group
list, which show missing accounts. csv is the output of Export-Csv for Get-ADUser,
Get-ADGroup and Get-ADComputer. Join lists such as MemberOf first:

  Get-ADUser -Filter * -Properties PrimaryGroupID,MemberOf |
    Select SamAccountName,SID,Enabled,ObjectClass,DistinguishedName,
      PrimaryGroupID,@{n='MemberOf';e={$_.MemberOf -join ';'}} |
    Export-Csv users.csv

Members of a group, as Get-ADGroupMember or samba-tool group listmembers give them, are read with
--members GROUP=FILE, or by a column Group. bloodhound is a file of its collectors,
versions 4 to 6, or their zip. wbinfo is a transcript of calls and answers:

  (set -x; for u in $(wbinfo -u); do
    wbinfo -n "$u"; wbinfo -i "$u"; wbinfo -r "$u"; done) 2>&1

auto detects the form of each file; so does -d of the other commands.

Accounts with the same name are one account unless their SIDs differ. An account without
a SID gets S-1-22-1-uid or S-1-22-2-gid, as in Samba. The command lists unresolved
references on standard error.`
}

// Run collects the accounts of all files and writes the directory file. It names what it cannot resolve on standard
// error and goes on. A malformed file is an error.
// --out is replaced without asking, unless it is one of the inputs. The first wrong flag or file ends it before
// anything is written.
func (c *directoryFromCmd) Run(std *streams) error {
	var list collect.Collector
	for _, name := range c.Files {
		if err := addAccounts(std, &list, c.Form, name); err != nil {
			return err
		}
	}
	inputs := slices.Clone(c.Files)
	for _, with := range c.With {
		form, name, ok := strings.Cut(with, ":")
		if !ok {
			return fmt.Errorf("--with %q: want FORM:FILE", with)
		}
		if err := addAccounts(std, &list, form, name); err != nil {
			return err
		}
		inputs = append(inputs, name)
	}
	for _, members := range c.Members {
		group, name, ok := strings.Cut(members, "=")
		if !ok || group == "" {
			return fmt.Errorf("--members %q: want GROUP=FILE", members)
		}
		file, err := std.readAccounts(name)
		if err != nil {
			return err
		}
		if err := source.ReadMembers(&list, group, file); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		inputs = append(inputs, name)
	}
	if err := apart(c.Out, inputs...); err != nil {
		return err
	}
	text := dirfile.Write(list.Accounts())
	sayUnresolved(std, &list, len(list.Unresolved))
	if c.Out != "" {
		return outfile.WriteFile(c.Out, text, 0o644)
	}
	_, err := std.out.Write(text)
	return err
}

// addAccounts collects the accounts of a file in a form; "auto" detects the form, and an unknown form is an error. The
// error has the file's name.
func addAccounts(std *streams, list *collect.Collector, form, name string) error {
	file, err := std.readAccounts(name)
	if err != nil {
		return err
	}
	if err := source.Read(list, form, file); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// maxAccountsFile is the size limit of a file of accounts.
const maxAccountsFile = 1 << 30

// readAccounts reads a file of accounts, or standard input for "-", up to maxAccountsFile bytes. A larger file is an
// error. It reads the whole file into memory.
func (s *streams) readAccounts(name string) ([]byte, error) {
	return readBounded(s.open, name, maxAccountsFile)
}

// sayUnresolved prints the first most lines about unresolved references to standard error, and the number of the
// others.
func sayUnresolved(std *streams, list *collect.Collector, most int) {
	for i, line := range list.Unresolved {
		if i == most {
			fmt.Fprintf(std.err, "refmon: and %s; refmon directory from lists all\n",
				count(len(list.Unresolved)-most, "more is not resolved", "more are not resolved"))
			return
		}
		fmt.Fprintf(std.err, "refmon: %s\n", printable(line))
	}
}

// readPeople reads the principals of one directory file, or of several files of other systems. A directory file among
// several is an error. Without a file the directory is empty. In files of other systems, an account named c.who
// replaces c.who by its SID, or by its listed name if disabled. Unresolved members are noted.
func (c *directoryFlags) readPeople(std *streams) (*directory.Directory, error) {
	return c.readPeopleFiles(std, func(string, []byte) {})
}

// readPeopleFiles reads the principals as readPeople does. It calls visit with the name and contents of each file.
func (c *directoryFlags) readPeopleFiles(std *streams, visit func(name string, file []byte)) (
	*directory.Directory, error) {
	var list collect.Collector
	for _, name := range c.Directory {
		file, err := std.readAccounts(name)
		if err != nil {
			return nil, err
		}
		visit(name, file)
		form := source.Form(file)
		if form == "" {
			if len(c.Directory) > 1 {
				return nil, fmt.Errorf("%s: a directory file cannot be combined: -d may be repeated for files of other systems, "+
					"as refmon directory from --help tells", name)
			}
			d, err := dirfile.Read(file)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			noteLeftOut(std, d)
			return d, nil
		}
		if err := source.Read(&list, form, file); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	accounts := list.Accounts()
	if a := list.Find(c.who); a != nil {
		if c.who = a.SID.String(); a.Disabled {
			c.who = a.Name
		}
	}
	sayUnresolved(std, &list, maxUnresolved)
	d, err := directory.New(accounts)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(c.Directory, ", "), err)
	}
	noteLeftOut(std, d)
	return d, nil
}

// noteLeftOut prints to standard error which users a directory leaves out. It prints nothing about a complete one.
func noteLeftOut(std *streams, d *directory.Directory) {
	if err := d.LeftOut(); err != nil {
		fmt.Fprintf(std.err, "refmon: note: %v\n", err)
	}
}

// maxUnresolved limits the unresolved references that a command lists.
const maxUnresolved = 5
