// Package bloodhound reads users and groups from the JSON files of BloodHound's collectors, zipped or not.
package bloodhound

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/refmon/refmon/internal/directory/collect"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/sid"
)

// Limits of a zip file.
const (
	maxZipFiles = 1024
	maxZipBytes = 1 << 28 // bytes of all its files together, unpacked
)

// collected is a file of BloodHound's collectors, versions 4 to 6. Its meta names the kind of objects: users, groups,
// computers or domains.
type collected struct {
	Data json.RawMessage
	Meta *struct {
		Type    string
		Version int
	}
}

// collectedObject holds the fields of an object that a directory needs.
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

// typedPrincipal refers to another object by its SID, as ParseSID reads it.
type typedPrincipal struct{ ObjectIdentifier, ObjectType string }

// Read collects the accounts of a collector's JSON file or of a zip of such files. It ignores files about other kinds
// of objects, and deleted objects. An object without a SID is reported in Unresolved. Versions other than 4 to 6
// are an error, and so is malformed JSON. After an error the accounts before it stay collected.
func Read(c *collect.Collector, file []byte) error {
	return Files(file, func(text []byte) error { return readFile(c, text) })
}

// Files calls f with file, or if it is a zip with each .json file in it. A zip of more than 1,024 files, of more than
// 256 MiB unpacked or without a .json file is an error. Files stops at the first error. For a zip the error names the
// file. A file with another extension in the zip is ignored.
func Files(file []byte, f func(text []byte) error) error {
	if !bytes.HasPrefix(file, []byte("PK")) {
		return f(file)
	}
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return err
	}
	if len(z.File) > maxZipFiles {
		return fmt.Errorf("the zip holds %d files, more than %d", len(z.File), maxZipFiles)
	}
	room, read := uint64(maxZipBytes), 0
	for _, one := range z.File {
		if !strings.HasSuffix(strings.ToLower(one.Name), ".json") {
			continue
		}
		text, err := unpack(one, room)
		if err != nil {
			return fmt.Errorf("%q: %w", strict.Clip(one.Name), err)
		}
		room -= uint64(len(text))
		if err := f(text); err != nil {
			return fmt.Errorf("%q: %w", strict.Clip(one.Name), err)
		}
		read++
	}
	if read == 0 {
		return errors.New("the zip holds no .json: is it a collector's?")
	}
	return nil
}

// encrypted is a flag of a file in a zip: bit 0 of the general purpose bit flag.
const encrypted = 1

// unpack returns the contents of a file in a zip. A file with a password is an error. So is a file of more than room
// bytes, or of more than its header states.
func unpack(f *zip.File, room uint64) ([]byte, error) {
	if f.UncompressedSize64 > room {
		return nil, fmt.Errorf("the files of the zip unpack to more than %d MiB: unpack it, and name its files one by one",
			maxZipBytes>>20)
	}
	if f.Flags&encrypted != 0 {
		return nil, errors.New("the zip has a password: unpack it, and name the files")
	}
	in, err := f.Open()
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(in) // it fails beyond the size in the header
	return text, errors.Join(err, in.Close())
}

// CheckVersion returns an error for a version of the collectors' files whose form is not known.
func CheckVersion(version int) error {
	if version < 4 || version > 6 {
		return fmt.Errorf("version %d of the collectors' files: versions 4 to 6 are read", version)
	}
	return nil
}

// readFile collects the accounts of one JSON file of BloodHound's collectors. Deleted objects and files of other
// object types are skipped. Objects without a SID are reported. Malformed JSON, a missing "meta" and versions
// other than 4 to 6 are errors. After an error in an object, earlier accounts stay collected.
func readFile(c *collect.Collector, file []byte) error {
	file = bytes.TrimPrefix(file, []byte("\xef\xbb\xbf"))
	var f collected
	if err := json.Unmarshal(file, &f); err != nil {
		return JSONError(file, 0, err)
	}
	if f.Meta == nil {
		return errors.New(`there is no "meta": is this a file of BloodHound's collectors?`)
	}
	take := map[string]func(*collect.Collector, *collectedObject, sid.SID) error{"users": addUser, "computers": addUser,
		"groups": addGroup, "domains": addDomain}[f.Meta.Type]
	if take == nil {
		return nil
	}
	if err := CheckVersion(f.Meta.Version); err != nil {
		return err
	}
	var data []collectedObject
	if err := json.Unmarshal(f.Data, &data); err != nil {
		return JSONError(file, bytes.Index(file, f.Data), err)
	}
	for i := range data {
		o := &data[i]
		if o.IsDeleted {
			continue
		}
		s, err := ParseSID(o.ObjectIdentifier)
		if err != nil { // the id is not a SID, for example that of an Azure principal
			c.Report("%s has no SID", strict.Clip(o.Properties.Name+" "+o.ObjectIdentifier))
			continue
		}
		if err := take(c, o, s); err != nil {
			return fmt.Errorf("data[%d] %q: %w", i, strict.Clip(o.Properties.Name), err)
		}
	}
	return nil
}

// JSONError adds a line number to an error of encoding/json. The error is about the part of file that starts at offset
// base. An error without an offset gets the line of base.
func JSONError(file []byte, base int, err error) error {
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

// ParseSID parses an object id: a SID, or DOMAIN-SID for a well-known account. Any other id is an error.
func ParseSID(text string) (sid.SID, error) {
	if at := strings.LastIndex(text, "-S-1-"); at >= 0 {
		text = text[at+1:]
	}
	return sid.Parse(text)
}

// label returns the account name of an object. Without one it returns NAME of NAME@DOMAIN, and without that s as
// text.
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

// addUser collects a user or computer. A malformed PrimaryGroupSID or SID history is an error. Without Enabled the
// user counts as enabled.
func addUser(c *collect.Collector, o *collectedObject, s sid.SID) error {
	u := c.Users.Account(o.label(s), s)
	collect.Keep(&u.DN, o.Properties.DistinguishedName)
	if o.Properties.Enabled != nil {
		u.Disabled = !*o.Properties.Enabled
	}
	if o.PrimaryGroupSID != "" {
		var err error
		if u.Primary, err = ParseSID(o.PrimaryGroupSID); err != nil {
			return fmt.Errorf("PrimaryGroupSID: %w", err)
		}
	}
	return addHistory(u, o)
}

// addGroup collects a group and its members. A member without a SID is reported in Unresolved. A malformed SID history
// is an error.
func addGroup(c *collect.Collector, o *collectedObject, s sid.SID) error {
	g := c.Groups.Account(o.label(s), s)
	collect.Keep(&g.DN, o.Properties.DistinguishedName)
	for _, m := range o.Members {
		if s, err := ParseSID(m.ObjectIdentifier); err == nil {
			c.AddMember(g, collect.Reference{SID: s})
		} else {
			c.Report("%s, a member of %s, has no SID", strict.Clip(m.ObjectIdentifier), g.Name)
		}
	}
	return addHistory(g, o)
}

// addDomain names the domain of the collector.
func addDomain(c *collect.Collector, _ *collectedObject, s sid.SID) error {
	c.TakeDomain(s, "")
	return nil
}

// addHistory adds the SIDs that the object had before to its account. A malformed one is an error.
func addHistory(a *collect.Account, o *collectedObject) error {
	for _, p := range o.HasSIDHistory {
		s, err := ParseSID(p.ObjectIdentifier)
		if err != nil {
			return fmt.Errorf("HasSIDHistory: %w", err)
		}
		a.History = append(a.History, s)
	}
	return nil
}
