package accounts

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/refmon/refmon/sid"
)

// What a zip may hold.
const (
	maxZipFiles = 1024
	maxZipBytes = 1 << 28 // bytes of all its files together, unpacked
)

// collected is a file of BloodHound's collectors, versions 4 to 6: users, groups,
// computers or domains, as its meta says.
type collected struct {
	Data json.RawMessage
	Meta *struct {
		Type    string
		Version int
	}
}

// collectedObject is an object of such a file, as far as a directory needs it.
type collectedObject struct {
	ObjectIdentifier string
	IsDeleted        bool
	PrimaryGroupSID  string
	HasSIDHistory    []typedPrincipal
	Members          []typedPrincipal
	Properties       struct {
		Name              string
		SAMAccountName    string
		DistinguishedName string
		Enabled           *bool
	}
}

type typedPrincipal struct{ ObjectIdentifier, ObjectType string }

// bloodhound reads a file of a collector, or a zip of them. Files about other things than
// accounts are passed over.
func (l *List) bloodhound(file []byte) error {
	if !bytes.HasPrefix(file, []byte("PK")) {
		return l.collected(file)
	}
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return err
	}
	if len(z.File) > maxZipFiles {
		return fmt.Errorf("the zip holds %d files, more than %d", len(z.File), maxZipFiles)
	}
	room, read := uint64(maxZipBytes), 0
	for _, f := range z.File {
		if !strings.HasSuffix(strings.ToLower(f.Name), ".json") {
			continue
		}
		text, err := unpack(f, room)
		if err != nil {
			return fmt.Errorf("%q: %w", short(f.Name), err)
		}
		room -= uint64(len(text))
		if err := l.collected(text); err != nil {
			return fmt.Errorf("%q: %w", short(f.Name), err)
		}
		read++
	}
	if read == 0 {
		return errors.New("the zip holds no .json: is it a collector's?")
	}
	return nil
}

// unpack reads a file of a zip, of room bytes at most.
func unpack(f *zip.File, room uint64) ([]byte, error) {
	tooMuch := fmt.Errorf("the files of the zip unpack to more than %d MiB", maxZipBytes>>20)
	if f.UncompressedSize64 > room {
		return nil, tooMuch
	}
	in, err := f.Open()
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(in, int64(room)+1)) // the header may say less than there is
	if err == nil && uint64(len(text)) > room {
		err = tooMuch
	}
	return text, errors.Join(err, in.Close())
}

// collected reads one file.
func (l *List) collected(file []byte) error {
	file = bytes.TrimPrefix(file, []byte("\xef\xbb\xbf"))
	var c collected
	if err := json.Unmarshal(file, &c); err != nil {
		return wrongJSON(file, 0, err)
	}
	if c.Meta == nil {
		return errors.New(`there is no "meta": is this a file of BloodHound's collectors?`)
	}
	take := map[string]func(*collectedObject, sid.SID) error{"users": l.collectedUser, "computers": l.collectedUser,
		"groups": l.collectedGroup, "domains": l.collectedDomain}[c.Meta.Type]
	if take == nil {
		return nil
	}
	if c.Meta.Version < 4 {
		return fmt.Errorf("version %d of the collectors' files: versions 4 to 6 are read", c.Meta.Version)
	}
	var data []collectedObject
	if err := json.Unmarshal(c.Data, &data); err != nil {
		return wrongJSON(file, bytes.Index(file, c.Data), err)
	}
	for i := range data {
		o := &data[i]
		if o.IsDeleted {
			continue
		}
		s, err := collectedSID(o.ObjectIdentifier)
		if err != nil { // an id that is no SID: of a principal of Azure, say
			l.unresolved("%s has no SID", short(o.Properties.Name+" "+o.ObjectIdentifier))
			continue
		}
		if err := take(o, s); err != nil {
			return fmt.Errorf("data[%d] %q: %w", i, short(o.Properties.Name), err)
		}
	}
	return nil
}

// wrongJSON says in which line of a file an error is, found in what begins at base.
func wrongJSON(file []byte, base int, err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	at := int64(base)
	switch {
	case errors.As(err, &syntax):
		at += syntax.Offset
	case errors.As(err, &kind):
		at += kind.Offset
	}
	return fmt.Errorf("line %d: %w", 1+bytes.Count(file[:min(max(at, 0), int64(len(file)))], []byte("\n")), err)
}

// collectedSID reads an id: a SID, or one of a well-known account after its domain's name.
func collectedSID(text string) (sid.SID, error) {
	if at := strings.LastIndex(text, "-S-1-"); at >= 0 {
		text = text[at+1:]
	}
	return sid.Parse(text)
}

// label returns the name of an object: NAME of NAME@DOMAIN where it has no other.
func (o *collectedObject) label(s sid.SID) string {
	name := o.Properties.SAMAccountName
	if name == "" {
		name, _, _ = strings.Cut(o.Properties.Name, "@")
	}
	if name == "" {
		name = s.String()
	}
	return name
}

func (l *List) collectedUser(o *collectedObject, s sid.SID) error {
	u := l.users.account(o.label(s), s)
	keep(&u.dn, o.Properties.DistinguishedName)
	if o.Properties.Enabled != nil {
		u.disabled = !*o.Properties.Enabled
	}
	if o.PrimaryGroupSID != "" {
		var err error
		if u.primary, err = collectedSID(o.PrimaryGroupSID); err != nil {
			return fmt.Errorf("PrimaryGroupSID: %w", err)
		}
	}
	return u.collectedPast(o)
}

func (l *List) collectedGroup(o *collectedObject, s sid.SID) error {
	g := l.groups.account(o.label(s), s)
	keep(&g.dn, o.Properties.DistinguishedName)
	for _, m := range o.Members {
		if s, err := collectedSID(m.ObjectIdentifier); err == nil {
			l.member(g, reference{sid: s})
		} else {
			l.unresolved("%s, a member of %s, has no SID", short(m.ObjectIdentifier), g.name)
		}
	}
	return g.collectedPast(o)
}

// collectedDomain takes the domain of the first file of domains that tells of one alone.
func (l *List) collectedDomain(_ *collectedObject, s sid.SID) error {
	if l.domain.IsZero() {
		l.domain = s
	} else if l.domain != s {
		l.unresolved("the files tell of several domains: %v is the one of the directory, %v is not", l.domain, s)
	}
	return nil
}

func (a *account) collectedPast(o *collectedObject) error {
	for _, p := range o.HasSIDHistory {
		s, err := collectedSID(p.ObjectIdentifier)
		if err != nil {
			return fmt.Errorf("HasSIDHistory: %w", err)
		}
		a.history = append(a.history, s)
	}
	return nil
}
