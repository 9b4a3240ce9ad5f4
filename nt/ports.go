package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Parameters of the services on ports. ClientID and MessageID are those of
// the PORT_MESSAGE in question.
type (
	CreatePortIn struct {
		ObjectAttributes Captured[*ObjectAttributes]
		MaxMessageLength uint32 // bytes of data; 0 means 65536
	}
	PortOut struct{ PortHandle winnt.Handle }

	ConnectPortIn struct {
		PortName              string
		SecurityQos           Captured[*SecurityQualityOfService]
		ConnectionInformation Captured[[]byte]
	}
	ListenPortIn        struct{ PortHandle winnt.Handle }
	AcceptConnectPortIn struct {
		ConnectionPortHandle winnt.Handle
		// MessageID 0 accepts the client that waits longest and completes its
		// connection; another, from NtListenPort, accepts that one, or with Refuse
		// sends it away.
		ClientID              Captured[*ClientID] `param:"ClientId"`
		MessageID             uint32              `param:"MessageId"`
		Refuse                bool
		PortContext           uint64
		ConnectionInformation Captured[[]byte]
	}
	CompleteConnectPortIn  struct{ PortHandle winnt.Handle }
	CompleteConnectPortOut struct{}

	RequestWaitReplyPortIn struct {
		PortHandle winnt.Handle
		Request    Captured[[]byte]
		MessageID  uint32 `param:"MessageId"` // 0 sends a request, else asks for its reply
	}
	RequestWaitReplyPortOut struct {
		MessageID uint32 `param:"MessageId"`
		Reply     []byte
	}

	ReplyWaitReceivePortIn struct{ PortHandle winnt.Handle }
	// ReplyWaitReceivePortOut is also what NtListenPort returns.
	ReplyWaitReceivePortOut struct {
		ClientID    ClientID `param:"ClientId"`
		MessageID   uint32   `param:"MessageId"`
		Request     []byte
		Connecting  bool   // a request to connect
		Closed      bool   // the connection has ended
		PortContext uint64 // of its connection; connection ports only
	}

	ReplyPortIn struct {
		PortHandle winnt.Handle
		ClientID   Captured[*ClientID] `param:"ClientId"`
		MessageID  uint32              `param:"MessageId"`
		Reply      Captured[[]byte]
	}
	ReplyPortOut struct{}

	ImpersonateClientOfPortIn struct {
		PortHandle winnt.Handle
		ClientID   Captured[*ClientID] `param:"ClientId"`
		MessageID  uint32              `param:"MessageId"`
	}
	ImpersonateClientOfPortOut struct{}
)

const portsDoNotWait = "operations complete at once: no wait for a connection, a request or a reply"

// portConditions returns the conditions, for the table of services, of those that take a port handle. more follows
// them.
func portConditions(more ...Condition) []Condition {
	return append([]Condition{
		{ntstatus.InvalidHandle, "O-31", "the port handle is not valid"},
		{ntstatus.ObjectTypeMismatch, "O-31", "the handle is not a port"},
	}, more...)
}

var (
	_ = Add(&NtTable, Entry[Services, CreatePortIn, PortOut]{
		Meta: Meta{
			Name:    "NtCreatePort",
			Summary: "creates a port that clients connect to",
			Missing: portsDoNotWait,
			Conditions: []Condition{
				{ntstatus.InvalidParameter, "O-22", "OBJECT_ATTRIBUTES has a wrong Length or unknown attribute bits"},
				exclusiveInherited(),
				{ntstatus.ObjectNameCollision, "O-23", "the name exists"},
				{ntstatus.AccessDenied, "O-24", "the directory does not permit the caller to add an object"},
			},
		},
		Call: Services.NtCreatePort,
	})
	_ = Add(&NtTable, Entry[Services, ConnectPortIn, PortOut]{
		Meta: Meta{
			Name:    "NtConnectPort",
			Summary: "connects to a port",
			Missing: portsDoNotWait,
			Conditions: []Condition{
				{ntstatus.InvalidParameter, "I-80", "a level above SecurityDelegation"},
				{ntstatus.ObjectNameNotFound, "O-23", "no port of that name"},
				{ntstatus.AccessDenied, "O-33", "the port's descriptor does not grant PORT_CONNECT"},
				{ntstatus.BadImpersonationLevel, "I-80",
					"static tracking, and the client cannot supply the level that it permits"},
			},
		},
		Call: Services.NtConnectPort,
	})
	_ = Add(&NtTable, Entry[Services, ListenPortIn, ReplyWaitReceivePortOut]{
		Meta: Meta{
			Name:    "NtListenPort",
			Summary: "receives the oldest request to connect",
			Missing: portsDoNotWait,
			Conditions: portConditions(
				Condition{ntstatus.InvalidPortHandle, "I-88", "the port is not a connection port"},
				Condition{ntstatus.Timeout, "I-88", "no client waits"}),
		},
		Call: Services.NtListenPort,
	})
	_ = Add(&NtTable, Entry[Services, CompleteConnectPortIn, CompleteConnectPortOut]{
		Meta: Meta{
			Name:    "NtCompleteConnectPort",
			Summary: "ends the wait of a client that was accepted",
			Conditions: portConditions(
				Condition{ntstatus.InvalidPortHandle, "I-88", "the port is not a server communication port"},
				Condition{ntstatus.InvalidParameter, "I-88", "the client does not wait"}),
		},
		Call: Services.NtCompleteConnectPort,
	})
	_ = Add(&NtTable, Entry[Services, AcceptConnectPortIn, PortOut]{
		Meta: Meta{
			Name:    "NtAcceptConnectPort",
			Summary: "accepts or refuses a client, without a message the one that waits longest",
			Missing: portsDoNotWait,
			Conditions: portConditions(
				Condition{ntstatus.InvalidPortHandle, "I-88", "the port is not a connection port"},
				Condition{ntstatus.Timeout, "I-88", "no client waits"},
				Condition{ntstatus.ReplyMessageMismatch, "I-88", "no such client waits for that message to be accepted"},
				Condition{ntstatus.PortConnectionRefused, "I-88", "the client has disconnected since"}),
		},
		Call: Services.NtAcceptConnectPort,
	})
	_ = Add(&NtTable, Entry[Services, RequestWaitReplyPortIn, RequestWaitReplyPortOut]{
		Meta: Meta{Name: "NtRequestWaitReplyPort", Summary: "sends a request and waits for its reply",
			Missing: "a request returns STATUS_PENDING, and a second call with its MessageId returns the reply",
			Conditions: portConditions(
				Condition{ntstatus.InvalidPortHandle, "I-88", "the port is not a client communication port"},
				Condition{ntstatus.PortMessageTooLong, "I-88", "the message is longer than the port's limit"},
				Condition{ntstatus.PortDisconnected, "I-88", "the server has disconnected"},
				Condition{ntstatus.ReplyMessageMismatch, "I-88", "this thread does not wait for a reply to that message"},
				Condition{ntstatus.Pending, "I-88", "there is no reply yet"})},
		Call: Services.NtRequestWaitReplyPort,
	})
	_ = Add(&NtTable, Entry[Services, ReplyWaitReceivePortIn, ReplyWaitReceivePortOut]{
		Meta: Meta{
			Name:    "NtReplyWaitReceivePort",
			Summary: "receives the oldest request; on a connection port, that of any client",
			Missing: portsDoNotWait,
			Conditions: portConditions(
				Condition{ntstatus.InvalidPortHandle, "I-88", "the port is a client communication port"},
				Condition{ntstatus.PortDisconnected, "I-88", "the client has disconnected"},
				Condition{ntstatus.Timeout, "I-88", "there is no request"}),
		},
		Call: Services.NtReplyWaitReceivePort,
	})
	_ = Add(&NtTable, Entry[Services, ReplyPortIn, ReplyPortOut]{
		Meta: Meta{Name: "NtReplyPort", Summary: "replies to a request", Conditions: portConditions(
			Condition{ntstatus.InvalidPortHandle, "I-88", "the port is a client communication port"},
			Condition{ntstatus.PortDisconnected, "I-88", "the client has disconnected"},
			Condition{ntstatus.ReplyMessageMismatch, "I-88", "that thread does not wait for a reply to that message"})},
		Call: Services.NtReplyPort,
	})
	_ = Add(&NtTable, Entry[Services, ImpersonateClientOfPortIn, ImpersonateClientOfPortOut]{
		Meta: Meta{
			Name:    "NtImpersonateClientOfPort",
			Summary: "impersonates the client that waits for the reply to a message",
			Conditions: portConditions(
				Condition{ntstatus.InvalidPortHandle, "I-88", "the port is a client communication port"},
				Condition{ntstatus.PortDisconnected, "I-88", "the client has disconnected"},
				Condition{ntstatus.ReplyMessageMismatch, "I-88", "that thread does not wait for a reply to that message"},
				Condition{ntstatus.BadImpersonationLevel, "I-80",
					"dynamic tracking, and the client's thread cannot supply the level now"},
				Condition{ntstatus.AccessDenied, "I-90", "a job's security limits refuse the token"},
			),
		},
		Call: Services.NtImpersonateClientOfPort,
	})
)
