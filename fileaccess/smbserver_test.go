package fileaccess_test

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// This file has everything that an SMB-like file server needs between its protocol and its store, as docs/adopt.md
// describes. It takes and returns bytes and statuses.

// smbFile is what the server's store knows about a name.
type smbFile struct {
	Dir  bool
	Attr fileaccess.Attributes
	SD   []byte // self-relative, as stored; nil if it could not be read
}

// smbSession is an authenticated client.
type smbSession struct {
	subject access.Subject
	share   fileaccess.Share
}

// newSMBSession creates the token of a client from SIDs and connects it to a share.
func newSMBSession(user sid.SID, groups []sid.SID, share []byte) (*smbSession, error) {
	tok, err := token.New(token.NetworkUser(user, groups...))
	if err != nil {
		return nil, err
	}
	d, err := sd.Decode(share)
	if err != nil {
		return nil, err
	}
	s := &smbSession{subject: access.SubjectOf(tok), share: fileaccess.Share{Descriptor: d}}
	tree, st := fileaccess.Connect(&s.subject, &s.share, nil)
	if st != ntstatus.Success {
		return nil, st.Err()
	}
	s.share.Maximal = tree.Maximal
	return s, nil
}

// smbOpened is the response to an SMB2 CREATE.
type smbOpened struct {
	handle fileaccess.Handle
	max    fileaccess.MaximalAccess
	newSD  []byte // of a new object
}

// open processes an SMB2 CREATE that also requests the maximal access. A nil f means that the name does not exist.
func (s *smbSession) open(name string, parent, f *smbFile, desired winnt.AccessMask, how fileaccess.Disposition,
	options fileaccess.CreateOptions) (*smbOpened, ntstatus.Status) {
	req := fileaccess.Request{Subject: s.subject, Name: name, Desired: desired, Disposition: how, Options: options,
		Share: fileaccess.ShareRead, Maximal: true, Face: fileaccess.SMB}
	facts, err := s.facts(parent, f)
	if err != nil {
		return nil, ntstatus.AccessDenied
	}
	dec := fileaccess.Open(&req, facts)
	o := &smbOpened{max: dec.Max, handle: fileaccess.Handle{Granted: dec.Granted, Face: fileaccess.SMB,
		Profile: fileaccess.Observed, Subject: &s.subject, Directory: facts.Object.IsDirectory,
		Attributes: facts.Object.Attributes}}
	if dec.NewSD != nil {
		o.newSD = dec.NewSD.Append(nil)
	}
	return o, dec.Status()
}

// facts returns what the store knows about a directory and a name in it. An unreadable descriptor is an error.
func (s *smbSession) facts(parent, f *smbFile) (*fileaccess.Facts, error) {
	facts := &fileaccess.Facts{Share: &s.share, Policy: fileaccess.Policy{Profile: fileaccess.Observed}}
	if parent != nil {
		d, err := sd.Decode(parent.SD)
		if err != nil {
			return nil, err
		}
		facts.Parent = &fileaccess.Directory{Descriptor: d}
	}
	if f != nil {
		d, err := sd.Decode(f.SD)
		if err != nil {
			return nil, err
		}
		facts.Object = fileaccess.Object{Exists: true, IsDirectory: f.Dir, Attributes: f.Attr, Descriptor: d}
	}
	return facts, nil
}

// querySMBSecurity processes SMB2 QUERY_INFO for a security descriptor.
func querySMBSecurity(h *fileaccess.Handle, f *smbFile, info uint32) ([]byte, ntstatus.Status) {
	d, err := sd.Decode(f.SD)
	if err != nil {
		return nil, ntstatus.AccessDenied
	}
	part, st := fileaccess.QuerySecurity(h, d, info)
	if st != ntstatus.Success {
		return nil, st
	}
	return part.Append(nil), st
}

// setSecurity processes SMB2 SET_INFO for a security descriptor. On success it replaces the descriptor of f.
func (s *smbSession) setSecurity(h *fileaccess.Handle, f *smbFile, info uint32, b []byte) ntstatus.Status {
	old, err := sd.Decode(f.SD)
	if err != nil {
		return ntstatus.AccessDenied
	}
	to, err := sd.Decode(b)
	if err != nil {
		return ntstatus.InvalidSecurityDescr
	}
	d, st := fileaccess.SetSecurity(h, &fileaccess.SecurityChange{Information: info, Old: old, New: to,
		Subject: s.subject})
	if st == ntstatus.Success {
		f.SD = d.Append(nil)
	}
	return st
}
