package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/host"
	"github.com/refmon/refmon/internal/outfile"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// whyCmd holds the arguments and flags of refmon why.
type whyCmd struct {
	question    `embed:""`
	fileFlags   `embed:""`
	NamesFrom   string `help:"${whyNamesFrom}" placeholder:"SOCKET"`
	Logon       string `help:"${whyLogon}" placeholder:"KIND"`
	JSON        bool   `name:"json" help:"Print the answer as a line of the batch format, with its reasons."`
	Certificate string `help:"${certificate}" placeholder:"FILE"`
}

// Help returns the long text of --help for refmon why.
func (whyCmd) Help() string {
	return `Prints the decision, then each step of the check. Each row is an entry, or "check" for a test without one. Each
column is a requested right, with its name above it. In a cell, + is granted, - denied and . unchanged. Each row has
its rule. After the rows comes the reason for each right. Entries are numbered from 1, inherited ones included.

The name of each entry's SID follows the SID; the names of the user and the owner are at the end. If the condition of
an entry is not true, its row has the values that the condition compared. On a terminal, more than three entries
without an effect are replaced by their number; a pipe has all of them. The last row is the number of entries that the
check did not need.

  refmon why 'O:BAG:SYD:(D;;FW;;;BG)(A;;FA;;;BA)(A;;FR;;;WD)' -t user -w FR
  refmon why "$(cat secret.sddl)" -t admin -w 'FILE_READ_DATA|WRITE_DAC'
  refmon why 'D:(A;;KR;;;BU)' -t user -w MAXIMUM_ALLOWED --type key

The descriptor may also be the output of icacls, Get-Acl | Format-List or accesschk -l, or SDDL that a console broke
into lines. Accounts in it must be well-known ones in English, or SIDs.

For a denial the command also lists the smallest changes that would grant the request: of groups, privileges, the
integrity level or entries. It has tested each of them, but does not recommend them. The last line says
in words who asked for what, which rights are missing, and which entry or check decided.

--certificate FILE writes a document that others can check against the descriptor's bytes and the token file, without
refmon:

  refmon why 'O:BAG:SYD:(A;;FR;;;WD)' -t alice.json -w FR \
    --certificate alice.cert
  refmon-verify alice.cert alice.cert.sd alice.json

With --as USER, the argument is the path of a file, and the token is that of the user's programs on a mount. The user
is looked up in the directory file of -d, or else in refmond, which knows its own accounts, those of its domains and the
users of the host. --names-from names its socket; the default is its usual one. refmond records the query as a logon.
Without a running refmond, and for a user whom it does not know, the user is one of this host.

The descriptors of the file and of the directories above it decide as on a mount, which need not run. Without --want
the command tests the rights that opening the file for reading needs. For a file on a mount, root reads the descriptors
below the mount, and any other user reads them through the mount. That requires READ_CONTROL on the file, and on the
directories whose descriptors can change the decision.

  refmon why /srv/projects/plan --as bob
  refmon why /srv/projects --as bob --want FILE_ADD_FILE

A descriptor with --as needs --want, and -d unless USER is a SID. A SID alone has only the groups of every logon. The
token is then that of refmon access, and only the descriptor decides:

  refmon why 'O:BAG:SYD:(A;;FR;;;DU)' --as bob -d company.yaml --want read

refmon help A-71 prints the rule A-71. The exit code is 0 if access is granted, 1 if it is denied, 2 after an error.`
}

// Run explains one decision and can write its certificate. It returns errDenied for a denial. A call that failed before
// its decision is printed with its rule. With --as, a path is explained as a file. --names-from and --logon without
// --as are errors. The certificate is written before anything is printed, also for a denial.
func (c *whyCmd) Run(std *streams) error {
	switch {
	// A descriptor is decided by itself, without a mount (B-100).
	case c.As != "" && isDescriptor(c.SDDL):
		if err := c.fromDirectory(std); err != nil {
			return err
		}
	case c.As != "":
		return c.ofPath(std)
	case c.NamesFrom != "":
		return errors.New("--names-from needs --as: it says where the user is looked up")
	case c.Logon != "":
		return errors.New("--logon needs --as: a token says itself how its user logged on")
	}
	q, err := c.ask(std)
	if err != nil {
		return err
	}
	q.Explain = true
	a, err := q.Ask()
	if err != nil {
		return err
	}
	if c.Certificate != "" {
		if err := c.certify(std, q, &a); err != nil {
			return err
		}
	}
	switch {
	case c.JSON:
		return printJSON(std, q, &a, nil)
	case a.Refused != nil: // the call failed before it decided
		_, err = fmt.Fprintf(std.out, "%s: %s (%s)\n", std.paint(red, a.Status().String()), a.Refused.Because,
			a.Refused.Rule)
	default:
		err = c.page(std, q, &a)
	}
	return errors.Join(err, verdict(a.Allowed()))
}

// page prints the explanation of an answer, the changes that would grant a denied request, the names of SIDs, and the
// reason of a denial in one sentence. It stops at the first error of the output.
func (c *whyCmd) page(std *streams, q *accessquery.Query, a *accessquery.Answer) error {
	names, d := namesOf(c.people), q.Request.Descriptor
	if _, err := fmt.Fprint(std.out, std.shown(a.Why, names)+printable(std.typesOf(d, a.Why))); err != nil {
		return err
	}
	r := decided(q)
	if err := printChanges(std, r, names, c.people); err != nil {
		return err
	}
	if err := std.printNames(d, r.Subject.Effective().User().SID, names); err != nil {
		return err
	}
	return std.denied(&denial{want: c.Want, why: a.Why, request: &r, nameOf: names})
}

// decided returns the request in the form that the access check itself receives, for explanations. NtAccessCheck
// tests the impersonation level itself, so the level is SecurityImpersonation then.
func decided(q *accessquery.Query) access.Request {
	r := q.Request
	if q.Call == accessquery.NtAccessCheck {
		r.Subject.Level = winnt.SecurityImpersonation
	}
	return r
}

// printChanges prints the smallest changes that would grant a denied question; nothing if there are none. It leaves out
// memberships in users of this host or of dir, because no user is a group. dir may be nil.
func printChanges(std *streams, r access.Request, nameOf func(sid.SID) string, dir *directory.Directory) error {
	changes, err := access.Changes(&r)
	if err != nil {
		return err
	}
	intro := "\nany one of these would grant it:\n"
	for _, c := range changes {
		if joinsUser(c.String(), dir) {
			continue
		}
		if _, err := fmt.Fprint(std.out, intro, std.folded(printable(namedText(c.String(), nameOf)), 2)); err != nil {
			return err
		}
		intro = ""
	}
	return nil
}

// joinsUser reports whether a change makes a user a member of another user, which no directory can do. Such a change is
// not proposed. SIDs of the host's users count as users.
func joinsUser(change string, dir *directory.Directory) bool {
	_, rest, ok := strings.Cut(change, "a member of ")
	if !ok {
		return false
	}
	text := sidText.FindString(rest)
	if dir != nil && slices.ContainsFunc(dir.Principals, func(p directory.Principal) bool {
		return p.SID().String() == text
	}) {
		return true
	}
	return strings.HasPrefix(text, host.Users.String()+"-")
}

// certify writes the decision's certificate for another program to verify, and the descriptor. The descriptor is
// hexadecimal, in a file with the suffix .sd. Existing files are replaced. An input of the command is an error, and
// nothing is written then. Without a token file or a decision certify returns an error. Another error may leave only
// the certificate.
func (c *whyCmd) certify(std *streams, q *accessquery.Query, a *accessquery.Answer) error {
	switch {
	case a.Why == nil:
		return errors.New("--certificate: the call failed before a decision, so there is no certificate")
	case c.Token == "-" || c.Token == "":
		return errors.New("--certificate requires a token file: give --token a file, not standard input")
	}
	file, err := std.readFile(c.Token)
	if err != nil {
		return fmt.Errorf("--certificate requires a token file, and refmon token show --json TOKEN > FILE writes one: %w",
			err)
	}
	r := decided(q)
	cert, err := a.Why.Certificate(&r, file)
	if err != nil {
		return fmt.Errorf("--certificate: %w", err)
	}
	for _, name := range []string{c.Certificate, c.Certificate + ".sd"} {
		if err := apart(name, slices.Concat(c.Directory, []string{c.Token})...); err != nil {
			return err
		}
	}
	if err := outfile.WriteFile(c.Certificate, append(cert, '\n'), 0o644); err != nil {
		return err
	}
	return outfile.WriteFile(c.Certificate+".sd", fmt.Appendf(nil, "%x\n", q.Request.Descriptor.Binary()), 0o644)
}

// shown returns an explanation as text for the terminal. Colours mark granted and denied rights by their meaning, not
// by their words, and control characters are replaced (U-111). nameOf names the SIDs of entries.
func (s *streams) shown(x *access.Explanation, nameOf func(sid.SID) string) string {
	first := true
	name := func(who sid.SID) string { return inLine(nameOf(who)) }
	return x.Show(s.width, name, func(m access.Mark, text string) string {
		text = printable(text)
		switch {
		case m == access.Granted:
			text = s.paint(green, text)
		case m == access.Denied:
			text = s.paint(red, text)
		}
		if first { // the verdict
			first, text = false, s.paint(bold, text)
		}
		return text
	})
}
