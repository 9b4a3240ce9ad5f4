package forge

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/asn1tools"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// Centre is a key distribution centre (KDC) for tests, correct or hostile. Realm, Service, Key and Users are required.
// The caller closes Listener at the end. Fields must not change after Start.
type Centre struct {
	Realm   string
	Service string
	Key     types.EncryptionKey                    // of the service
	Users   map[string]string                      // passwords
	Now     func() time.Time                       // nil: time.Now
	PAC     func(name string, at time.Time) []byte // of a ticket for the service; nil: no PAC

	// Mistakes of a hostile KDC.
	Iterations []byte                      // parameters of the string-to-key function, 4 bytes
	Type       int32                       // of the client's key; 0: 18
	Anyone     bool                        // accepts every password
	NoPreauth  bool                        // requires no preauthentication
	Code       int32                       // error code for every request; 0: none
	Data       []byte                      // data of that error
	Ticket     func(client string) *Ticket // instead of the one for the service
	Session    *types.EncryptionKey        // sent to the client instead of the ticket's key
	Nonce      int                         // added to the nonce in responses
	Named      string                      // the client's name in responses; "": the real one
	Answer     func([]byte) []byte         // returns the bytes to send for a response, including the length

	Listener net.Listener

	mu       sync.Mutex
	typed    map[string]types.EncryptionKey // guarded by mu: the session key of each client's last TGT
	requests int                            // guarded by mu
	krbtgt   types.EncryptionKey            // immutable after Start
}

// Start listens on a loopback address, serves one connection after another, and returns the address.
func (k *Centre) Start() string {
	k.Listener = must(net.Listen("tcp", "127.0.0.1:0"))
	k.krbtgt = NewKey(18)
	if k.Now == nil {
		k.Now = time.Now
	}
	if k.Type == 0 {
		k.Type = 18
	}
	k.typed = map[string]types.EncryptionKey{}
	go func() {
		for {
			c, err := k.Listener.Accept()
			if err != nil {
				return
			}
			k.serve(c)
		}
	}()
	return k.Listener.Addr().String()
}

// Asked returns the number of requests that the KDC got since its start.
func (k *Centre) Asked() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.requests
}

// serve answers one request of a connection and closes it. It answers nothing to a request that is cut off.
func (k *Centre) serve(c net.Conn) {
	defer c.Close() //nolint:errcheck // of a test
	var head [4]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return
	}
	b := make([]byte, binary.BigEndian.Uint32(head[:]))
	if _, err := io.ReadFull(c, b); err != nil {
		return
	}
	k.mu.Lock()
	k.requests++
	k.mu.Unlock()
	answer := k.answer(b)
	if k.Answer != nil {
		_, _ = c.Write(k.Answer(answer))
		return
	}
	_, _ = c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(answer))), answer...))
}

// refuse returns a KRB-ERROR with this code and data.
func (k *Centre) refuse(code int32, data []byte) []byte {
	e := messages.NewKRBError(principal("krbtgt/"+k.Realm), k.Realm, code, "of the test")
	e.EData = data
	return must(e.Marshal())
}

// answer returns the KDC's response to a request: the configured error if there is one, a ticket, or error 60 for
// anything else.
func (k *Centre) answer(b []byte) []byte {
	var as messages.ASReq
	var tgs messages.TGSReq
	switch {
	case k.Code != 0:
		return k.refuse(k.Code, k.Data)
	case as.Unmarshal(b) == nil:
		return k.logOn(&as)
	case tgs.Unmarshal(b) == nil:
		return k.grant(&tgs)
	}
	return k.refuse(60, nil)
}

// key returns the key of a user's password. It returns false for an unknown user.
func (k *Centre) key(name string) (types.EncryptionKey, bool) {
	password, ok := k.Users[name]
	e := must(crypto.GetEtype(k.Type))
	params := k.Iterations
	if params == nil {
		params = []byte{0, 0, 0x10, 0}
	}
	text := hex.EncodeToString(params)
	if k.Type == 23 {
		text = ""
	}
	return types.EncryptionKey{KeyType: k.Type, KeyValue: must(e.StringToKey(password, k.Realm+name, text))}, ok
}

// logOn returns the response to an AS-REQ: a ticket for the KDC, or an error for an unknown user, a missing time
// stamp, a wrong key or a missing request for a PAC (MS-KILE 2.2.3).
func (k *Centre) logOn(req *messages.ASReq) []byte {
	name := strings.Join(req.ReqBody.CName.NameString, "/")
	info := must(asn1.Marshal(types.ETypeInfo2{{EType: k.Type, Salt: k.Realm + name, S2KParams: k.Iterations}}))
	method := types.PAData{PADataType: 19, PADataValue: info}
	if _, ok := k.Users[name]; !ok {
		return k.refuse(6, nil)
	}
	var stamp []byte
	pac := false
	for _, p := range req.PAData {
		switch p.PADataType {
		case 2:
			stamp = p.PADataValue
		case 128:
			pac = bytes.Equal(p.PADataValue, []byte{0x30, 5, 0xa0, 3, 1, 1, 0xff})
		}
	}
	if !pac {
		return k.refuse(60, nil)
	}
	if stamp == nil && !k.NoPreauth {
		return k.refuse(25, must(asn1.Marshal(types.PADataSequence{method, {PADataType: 2, PADataValue: []byte{}}})))
	}
	key, _ := k.key(name)
	if stamp != nil {
		var sealed types.EncryptedData
		if err := sealed.Unmarshal(stamp); err != nil {
			return k.refuse(60, nil)
		}
		if _, err := crypto.DecryptEncPart(sealed, key, 1); err != nil && !k.Anyone {
			return k.refuse(24, nil)
		}
	}
	tgt := Ticket{Service: "krbtgt/" + k.Realm, Realm: k.Realm, Key: k.krbtgt, Client: name, AuthTime: k.Now()}
	ticket := tgt.Ticket()
	rep := messages.ASRep{KDCRepFields: k.fields(11, name, ticket)}
	rep.PAData = types.PADataSequence{method}
	rep.EncPart = k.part(&req.ReqBody, tgt.SessionKey, key, 3)
	k.mu.Lock()
	k.typed[name] = tgt.SessionKey
	k.mu.Unlock()
	return must(rep.Marshal())
}

// fields returns the unencrypted part of a KDC's response to the client name, with the ticket t. Named replaces the
// name if it is set.
func (k *Centre) fields(kind int, name string, t messages.Ticket) messages.KDCRepFields {
	if k.Named != "" {
		name = k.Named
	}
	return messages.KDCRepFields{PVNO: 5, MsgType: kind, CRealm: k.Realm, CName: principal(name), Ticket: t}
}

// part returns the encrypted part of a response, for the client.
func (k *Centre) part(body *messages.KDCReqBody, session, key types.EncryptionKey, usage uint32) types.EncryptedData {
	now := k.Now().UTC()
	part := messages.EncKDCRepPart{Key: session, LastReqs: []messages.LastReq{{LRValue: now}}, Nonce: body.Nonce + k.Nonce,
		Flags: types.NewKrbFlags(), AuthTime: now, StartTime: now, EndTime: now.Add(time.Hour), RenewTill: now.Add(time.Hour),
		SRealm: k.Realm, SName: body.SName}
	tag := 25
	if usage == 8 {
		tag = 26
	}
	b := asn1tools.AddASNAppTag(must(asn1.Marshal(part)), tag)
	return must(crypto.GetEncryptedData(b, key, usage, 1))
}

// grant returns the response to a TGS-REQ: a ticket for the service, with the configured PAC, or error 50 if the
// checksum of the request is wrong (RFC 4120 3.3.3). It does not check the rest of the request.
func (k *Centre) grant(req *messages.TGSReq) []byte {
	name := strings.Join(req.ReqBody.CName.NameString, "/")
	k.mu.Lock()
	session := k.typed[name]
	k.mu.Unlock()
	var ap messages.APReq
	var client types.Authenticator
	if len(req.PAData) == 0 || ap.Unmarshal(req.PAData[0].PADataValue) != nil {
		return k.refuse(50, nil)
	}
	plain, err := crypto.DecryptEncPart(ap.EncryptedAuthenticator, session, 7)
	if err != nil || client.Unmarshal(plain) != nil || !must(crypto.GetEtype(session.KeyType)).VerifyChecksum(
		session.KeyValue, must(req.ReqBody.Marshal()), client.Cksum.Checksum, 6) {
		return k.refuse(50, nil)
	}
	at := k.Now().Truncate(time.Second)
	t := &Ticket{Service: strings.Join(req.ReqBody.SName.NameString, "/"), Realm: k.Realm, Key: k.Key, Version: 1,
		Client: name, AuthTime: at}
	if k.PAC != nil {
		t.PAC = k.PAC(name, at)
	}
	if k.Ticket != nil {
		t = k.Ticket(name)
	}
	ticket := t.Ticket()
	key := t.SessionKey
	if k.Session != nil {
		key = *k.Session
	}
	rep := messages.TGSRep{KDCRepFields: k.fields(13, name, ticket)}
	rep.EncPart = k.part(&req.ReqBody, key, session, 8)
	return must(rep.Marshal())
}

// Wrap returns a message in an RFC 4121 wrap token without confidentiality, with the given flags, sequence number and
// key usage.
func Wrap(key types.EncryptionKey, flags byte, number uint64, usage uint32, message []byte) []byte {
	e := must(crypto.GetEtype(key.KeyType))
	head := binary.BigEndian.AppendUint64([]byte{5, 4, flags, 0xff, 0, 0, 0, 0}, number)
	sum := must(e.GetChecksumHash(key.KeyValue, append(append([]byte{}, message...), head...), usage))
	binary.BigEndian.PutUint16(head[4:], uint16(len(sum)))
	return append(append(head, message...), sum...)
}
