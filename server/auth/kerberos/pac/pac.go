package pac

import (
	"fmt"

	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sid"
)

// PAC has the KDC's statements about a client. The zero value has no user.
type PAC struct {
	Logon      LogonInfo
	Client     ClientInfo
	UPN        *UPNInfo // nil if the KDC wrote none, as Attributes, Delegation and Device are
	Attributes *Attributes
	Requestor  sid.SID // zero if the KDC wrote none
	Delegation *Delegation
	Device     *DeviceInfo

	// ClientClaims and DeviceClaims are nil without claims. HasClientClaims and HasDeviceClaims say
	// that the buffer exists.
	ClientClaims, DeviceClaims       *claims.Set
	HasClientClaims, HasDeviceClaims bool
}

// Open verifies the server signature with the key that decrypted the ticket, then parses the buffers. It does not check
// whom the PAC is for: call [PAC.Check]. Errors wrap [ErrInvalid], also for empty data or data over [MaxSize].
func Open(data []byte, key types.EncryptionKey) (*PAC, error) {
	// Unsigned data is not parsed (K-12).
	if err := Verify(data, key); err != nil {
		return nil, err
	}
	return Parse(data)
}

// Verify divides a PAC into its buffers and verifies the server signature with key, the one that decrypted the
// ticket. It parses no buffer. Errors wrap [ErrInvalid], also for empty data or data over [MaxSize].
func Verify(data []byte, key types.EncryptionKey) error {
	f, err := split(data)
	if err != nil {
		return err
	}
	return f.verify(key)
}

// Parse parses the buffers of a PAC and ignores unknown ones. It verifies no signature: call [Verify] first. A
// malformed buffer, and missing logon or client information, is an error. Errors wrap [ErrInvalid], and then the
// PAC is nil.
func Parse(data []byte) (*PAC, error) {
	f, err := split(data)
	if err != nil {
		return nil, err
	}
	return f.read()
}

// read parses the known buffers and ignores others (K-2). The logon and client information are required. A malformed
// known buffer is an error. Claims that are empty set only the flag. A missing required buffer is ErrInvalid. The first
// malformed buffer ends the reading.
func (f *frame) read() (*PAC, error) {
	p := &PAC{}
	for _, step := range []struct {
		kind     kind
		required bool
		read     func([]byte) error
	}{
		{kindLogonInfo, true, func(b []byte) (err error) { p.Logon, err = readLogonInfo(b); return err }},
		{kindClientInfo, true, func(b []byte) (err error) { p.Client, err = readClientInfo(b); return err }},
		{kindUPN, false, func(b []byte) (err error) { p.UPN, err = readUPN(b); return err }},
		{kindRequestor, false, func(b []byte) (err error) { p.Requestor, err = wholeSID(b); return err }},
		{kindDelegation, false, func(b []byte) (err error) { p.Delegation, err = readDelegation(b); return err }},
		{kindDevice, false, func(b []byte) (err error) { p.Device, err = readDeviceInfo(b); return err }},
		{kindAttributes, false, func(b []byte) error {
			a, err := readAttributes(b)
			p.Attributes = &a
			return err
		}},
		{kindClientClaims, false, func(b []byte) (err error) {
			p.HasClientClaims = true
			p.ClientClaims, err = readClaims(b)
			return err
		}},
		{kindDeviceClaims, false, func(b []byte) (err error) {
			p.HasDeviceClaims = true
			p.DeviceClaims, err = readClaims(b)
			return err
		}},
	} {
		b, ok := f.find(step.kind)
		if !ok && step.required {
			return nil, fmt.Errorf("%w: it has no buffer of type %d, which every KDC of Active Directory sends", ErrInvalid,
				step.kind)
		}
		if ok {
			if err := step.read(b); err != nil {
				return nil, fmt.Errorf("buffer of type %d: %w", step.kind, err)
			}
		}
	}
	return p, nil
}
