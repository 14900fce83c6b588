//! The catalogue: every refusal whose text never varies, by the number that callers switch on.
//!
//! Code, status and text are Twilio's; the texts leave out the product name that its error dictionary puts in
//! front. The words "channel" and "member" are left over from Programmable Chat, whose numbers the API still
//! answers with. Entries visible to the crate alone end in something that [`Problem`]'s functions fill in.

use crate::problem::Problem;

#[rustfmt::skip]
#[expect(missing_docs, reason = "the name says when, the text says what")]
impl Problem {
    // Platform
    pub(crate) const INVALID_PARAMETER: Self = Self::new(20001, 400, "Invalid parameter");
    pub const INVALID_FRIENDLY_NAME: Self = Self::new(20002, 400, "Invalid FriendlyName");
    pub const AUTHENTICATE: Self = Self::new(20003, 401, "Authenticate");
    pub const METHOD_NOT_ALLOWED: Self = Self::new(20004, 405, "Method not allowed");
    pub const ACCOUNT_NOT_ACTIVE: Self = Self::new(20005, 403, "Account not active");
    pub const ACCESS_DENIED: Self = Self::new(20006, 403, "Access Denied");
    pub const PAGE_SIZE_TOO_LARGE: Self = Self::new(20007, 400, "Page size too large");
    pub const INVALID_ACCESS_TOKEN: Self = Self::new(20101, 401, "Invalid Access Token");
    pub const INVALID_ACCESS_TOKEN_HEADER: Self = Self::new(20102, 401, "Invalid Access Token header");
    pub const INVALID_ACCESS_TOKEN_ISSUER: Self = Self::new(20103, 401, "Invalid Access Token issuer/subject");
    pub const ACCESS_TOKEN_EXPIRED: Self = Self::new(20104, 401, "Access Token expired or expiration date invalid");
    pub const ACCESS_TOKEN_NOT_YET_VALID: Self = Self::new(20105, 401, "Access Token not yet valid");
    pub const INVALID_ACCESS_TOKEN_GRANTS: Self = Self::new(20106, 401, "Invalid Access Token grants");
    pub const INVALID_ACCESS_TOKEN_SIGNATURE: Self = Self::new(20107, 401, "Invalid Access Token signature");
    pub const ACCESS_TOKEN_LIFETIME_TOO_LONG: Self = Self::new(20157, 401, "Expiration Time Exceeds Maximum Time Allowed");
    pub const UPDATE_PARAMETERS_MISSING: Self = Self::new(20161, 400, "Parameters are not specified for update request");
    pub const CONFLICTING_UPDATE: Self = Self::new(20162, 409, "A conflicting resource update is in progress");
    pub const FORBIDDEN: Self = Self::new(20403, 403, "Forbidden");
    pub(crate) const NOT_FOUND: Self = Self::new(20404, 404, "The requested resource /… was not found");
    pub const CONFLICT: Self = Self::new(20409, 409, "Conflict");
    pub const GONE: Self = Self::new(20410, 410, "Gone");
    pub const REQUEST_ENTITY_TOO_LARGE: Self = Self::new(20413, 413, "Request Entity Too Large");
    pub const UPGRADE_REQUIRED: Self = Self::new(20426, 426, "Upgrade Required");
    pub const TOO_MANY_REQUESTS: Self = Self::new(20429, 429, "Too Many Requests");
    pub const INTERNAL: Self = Self::new(20500, 500, "Internal Server Error");
    pub const SERVICE_UNAVAILABLE: Self = Self::new(20503, 503, "Service unavailable");
    pub const INVALID_MESSAGE_PAGE_TOKEN: Self = Self::new(19036, 400, "Invalid page token");
    pub const NEGATIVE_PAGE_TOKEN: Self = Self::new(19038, 400, "Page token must be bigger than or equal to 0");
    pub const INVALID_PAGE_TOKEN: Self = Self::new(21481, 400, "Invalid PageToken");

    // Names, service, webhooks of a service
    pub const FRIENDLY_NAME_NOT_PROVIDED: Self = Self::new(50000, 400, "FriendlyName not provided");
    pub const ACCOUNT_SID_NOT_PROVIDED: Self = Self::new(50001, 400, "Account SID not provided");
    pub const RESOURCE_BEING_DELETED: Self = Self::new(50002, 409, "Resource is being deleted");
    pub const FRIENDLY_NAME_TOO_LONG: Self = Self::new(50003, 400, "Friendly name too long");
    pub const UNIQUE_NAME_TOO_LONG: Self = Self::new(50004, 400, "Unique Name too long");
    pub const INVALID_ACCOUNT_SID: Self = Self::new(50006, 400, "Invalid Account SID");
    pub const SERVICE_NOT_FOUND: Self = Self::new(50050, 404, "Service Instance not found");
    pub const SERVICE_SID_NOT_PROVIDED: Self = Self::new(50051, 400, "Service SID not provided");
    pub const INVALID_WEBHOOK_FORMAT: Self = Self::new(50054, 400, "Invalid webhook format");
    pub const INVALID_WEBHOOK_METHOD: Self = Self::new(50055, 400, "Invalid webhook method");
    pub const WEBHOOK_DISABLED_COMMAND: Self = Self::new(50056, 403, "Webhook disabled processing of command");
    pub const WEBHOOK_FAILED: Self = Self::new(50057, 403, "Webhook call failed to execute successfully");
    pub const NOTIFICATION_TEMPLATE_TOO_LONG: Self = Self::new(50058, 400, "Notification template too long");
    pub const NOTIFICATION_SOUND_TOO_LONG: Self = Self::new(50059, 400, "Notification sound name too long");
    pub const ACTIONS_LIMIT_EXCEEDED: Self = Self::new(50063, 429, "Actions per second limit exceeded");
    pub const INVALID_WEBHOOK_RETRY_COUNT: Self = Self::new(50065, 400, "Invalid webhook retry count");
    pub const GLOBAL_ACTIONS_LIMIT_EXCEEDED: Self = Self::new(50074, 429, "Global actions per second limit exceeded");
    pub const INVALID_PRE_WEBHOOK_URL: Self = Self::new(50077, 400, "Invalid pre-webhook url");
    pub const INVALID_POST_WEBHOOK_URL: Self = Self::new(50078, 400, "Invalid post-webhook url");

    // Roles and permissions
    pub const ROLE_NOT_FOUND: Self = Self::new(50100, 404, "Role not found");
    pub const CHANNEL_ROLE_NOT_FOUND: Self = Self::new(50101, 400, "Channel role not found");
    pub const DEPLOYMENT_ROLE_NOT_FOUND: Self = Self::new(50102, 400, "Deployment role not found");
    pub const ROLE_SID_NOT_PROVIDED: Self = Self::new(50103, 400, "Role SID not provided");
    pub const PERMISSION_NOT_FOUND: Self = Self::new(50104, 400, "Permission not found");
    pub const INVALID_ROLE_TYPE: Self = Self::new(50105, 400, "Invalid role type");
    pub const CHANNEL_CREATOR_ROLE_NOT_FOUND: Self = Self::new(50106, 400, "Channel creator role not found");
    pub const USER_NOT_AUTHORIZED: Self = Self::new(50107, 403, "User not authorized for command");
    pub const CONVERSATION_ROLE_NOT_FOUND: Self = Self::new(50109, 400, "Conversation role not found");

    // Users
    pub const USER_NOT_FOUND: Self = Self::new(50200, 404, "User not found");
    pub const USER_ALREADY_EXISTS: Self = Self::new(50201, 409, "User already exists");
    pub const USER_SID_NOT_PROVIDED: Self = Self::new(50202, 400, "User SID not provided");
    pub const IDENTITY_RESERVED: Self = Self::new(50203, 400, "Identity reserved");
    pub const IDENTITY_NOT_PROVIDED: Self = Self::new(50204, 400, "Identity not provided");
    pub const USER_UNAUTHORIZED_TO_SET_ROLE: Self = Self::new(50205, 403, "User unauthorized to set role");
    pub const IDENTITY_LOOKS_LIKE_SID: Self = Self::new(50206, 400, "Identity should not match user SID pattern");
    pub const IDENTITY_TOO_LONG: Self = Self::new(50207, 400, "Identity too long");
    pub const USER_CHANNEL_LIMIT_EXCEEDED: Self = Self::new(50208, 403, "User channel limit exceeded");
    pub const INVALID_BINDING_TYPE: Self = Self::new(50209, 400, "Invalid binding type");
    pub const INVALID_NOTIFICATION_LEVEL: Self = Self::new(50210, 400, "Invalid notification level");
    pub const IDENTITY_NOT_ACCEPTABLE: Self = Self::new(50211, 400, "Identity parameter not acceptable for this Participant");
    pub const CONFLICTING_USER_MODIFICATION: Self = Self::new(50213, 409, "Conflicting user modification");
    pub const USER_CONVERSATION_LIMIT_EXCEEDED: Self = Self::new(50214, 403, "User conversation limit exceeded");

    // Conversations
    pub const CHANNEL_NOT_FOUND: Self = Self::new(50300, 404, "Channel not found");
    pub const CHANNEL_SID_NOT_PROVIDED: Self = Self::new(50301, 400, "Channel SID not provided");
    pub const UNKNOWN_CHANNEL_COMMAND: Self = Self::new(50302, 400, "Unknown channel command");
    pub const ATTRIBUTES_TOO_LONG: Self = Self::new(50303, 400, "Attributes too long");
    pub const ATTRIBUTES_NOT_JSON: Self = Self::new(50304, 400, "Attributes not valid JSON");
    pub const UNIQUE_NAME_LOOKS_LIKE_CHANNEL_SID: Self = Self::new(50306, 400, "Unique name should not match channel SID pattern");
    pub const CHANNEL_UNIQUE_NAME_EXISTS: Self = Self::new(50307, 409, "Channel with provided unique name already exists");
    pub const INVALID_DATE_CREATED: Self = Self::new(50308, 400, "Invalid Date Created parameter");
    pub const INVALID_DATE_UPDATED: Self = Self::new(50309, 400, "Invalid Date Updated parameter");
    pub const AUTHOR_TOO_LONG: Self = Self::new(50310, 400, "Author parameter is too long");
    pub const CHANNEL_DELETION_IN_PROGRESS: Self = Self::new(50334, 409, "Channel deletion operation is in progress");
    pub const MESSAGING_SERVICE_SID_NOT_PROVIDED: Self = Self::new(50340, 400, "Messaging service SID not provided");
    pub const INVALID_MESSAGING_SERVICE_SID: Self = Self::new(50341, 400, "Invalid messaging service SID");
    pub const MESSAGING_SERVICE_NOT_OURS: Self = Self::new(50342, 400, "Messaging service does not belong to account");
    pub const CHANNEL_UPDATE_PARAMETERS_MISSING: Self = Self::new(50347, 400, "Parameters are missing for channel update request");
    pub const CONFLICTING_CHANNEL_MODIFICATION: Self = Self::new(50349, 409, "Conflicting channel modification");
    pub const CONVERSATION_NOT_FOUND: Self = Self::new(50350, 404, "Conversation not found");
    pub const CONVERSATION_SID_NOT_PROVIDED: Self = Self::new(50351, 400, "Conversation SID not provided");
    pub const CONVERSATION_UNIQUE_NAME_EXISTS: Self = Self::new(50353, 409, "Conversation with provided unique name already exists");
    pub const CONVERSATION_WEBHOOK_NOT_FOUND: Self = Self::new(50360, 404, "Conversation webhook not found");
    pub const TOO_MANY_CONVERSATION_WEBHOOKS: Self = Self::new(50361, 400, "Too many conversation webhooks");
    pub const TOO_MANY_CONVERSATION_WEBHOOK_TRIGGERS: Self = Self::new(50362, 400, "Too many conversation webhook triggers");
    pub const INVALID_CONVERSATION_WEBHOOK_SID: Self = Self::new(50363, 400, "Invalid conversation webhook SID");
    pub const INVALID_CONVERSATION_WEBHOOK_TYPE: Self = Self::new(50364, 400, "Invalid conversation webhook type");
    pub const INVALID_CONVERSATION_WEBHOOK_FILTER: Self = Self::new(50365, 400, "Invalid conversation webhook filter");
    pub const INVALID_CONVERSATION_WEBHOOK_TRIGGER: Self = Self::new(50366, 400, "Invalid conversation webhook trigger");
    pub const INVALID_CONVERSATION_WEBHOOK_FLOW_SID: Self = Self::new(50367, 400, "Invalid conversation webhook flow SID");
    pub const CONVERSATION_WEBHOOK_TYPE_NOT_PROVIDED: Self = Self::new(50368, 400, "Conversation webhook type not provided");
    pub const CONVERSATION_WEBHOOK_URL_NOT_PROVIDED: Self = Self::new(50369, 400, "Conversation webhook URL not provided");
    pub const CONVERSATION_WEBHOOK_FILTER_NOT_PROVIDED: Self = Self::new(50370, 400, "Conversation webhook filter not provided");
    pub const CONVERSATION_WEBHOOK_TRIGGER_NOT_PROVIDED: Self = Self::new(50371, 400, "Conversation webhook trigger not provided");
    pub const CONVERSATION_WEBHOOK_URL_TOO_LONG: Self = Self::new(50372, 400, "Conversation webhook URL is too long");
    pub const NO_MESSAGING_SERVICE: Self = Self::new(50373, 400, "No Messaging Service assigned to Conversation");
    pub const STATE_EMPTY: Self = Self::new(50374, 400, "'State' field can't be empty");
    pub const INACTIVE_TIMER_TOO_SHORT: Self = Self::new(50375, 400, "TimeToInactive should be greater or equal to 1 minute");
    pub const CLOSED_TIMER_TOO_SHORT: Self = Self::new(50376, 400, "TimeToClosed should be greater or equal to 10 minutes");
    pub const CONVERSATION_CLOSED: Self = Self::new(50377, 400, "Can't update conversation as it's in final closed state");
    pub const INVALID_STATE: Self = Self::new(50378, 400, "'State' parameter value is invalid");
    pub const INVALID_INACTIVE_TIMER: Self = Self::new(50379, 400, "TimeToInactive format is invalid");
    pub const INVALID_CLOSED_TIMER: Self = Self::new(50380, 400, "TimeToClosed format is invalid");
    pub const TIMER_WITHOUT_STATE: Self = Self::new(50382, 400, "Timer can't be set without state");
    pub const INITIAL_STATE_CLOSED: Self = Self::new(50384, 400, "Initial state can't be 'closed'");
    pub const DISABLED_IN_REGION: Self = Self::new(50385, 400, "Conversations are disabled in this region");
    pub const CONVERSATION_INITIALIZING: Self = Self::new(50386, 400, "Conversation in 'initializing' state may not be updated or used for message sending");
    pub const UNIQUE_NAME_LOOKS_LIKE_SID: Self = Self::new(50390, 400, "Unique name should not match conversation sid pattern");
    pub const CONFLICTING_CONVERSATION_MODIFICATION: Self = Self::new(50391, 409, "Conflicting conversation modification");
    pub const END_DATE_BEFORE_START_DATE: Self = Self::new(50396, 400, "EndDate parameter should be greater than StartDate parameter");
    pub const CONFLICTING_CONVERSATION_CHANGE: Self = Self::new(50449, 409, "Conflicting conversation modification");

    // Participants
    pub const USER_NOT_MEMBER: Self = Self::new(50400, 403, "User not member of channel");
    pub const MEMBER_SID_NOT_PROVIDED: Self = Self::new(50401, 400, "Member SID not provided");
    pub const MEMBER_NOT_FOUND: Self = Self::new(50402, 404, "Member not found");
    pub const MEMBER_LIMIT_EXCEEDED: Self = Self::new(50403, 403, "Channel member limit exceeded");
    pub const MEMBER_ALREADY_EXISTS: Self = Self::new(50404, 409, "Member already exists");
    pub const INVALID_LAST_CONSUMPTION_TIMESTAMP: Self = Self::new(50405, 400, "Invalid last consumption timestamp format");
    pub const INVALID_LAST_CONSUMED_INDEX: Self = Self::new(50406, 400, "Invalid last consumed message index format");
    pub const INVALID_ADDRESS: Self = Self::new(50407, 400, "Invalid messaging binding address");
    pub const INVALID_PROXY_ADDRESS: Self = Self::new(50408, 400, "Invalid participant proxy address");
    pub const ADDRESS_EQUALS_PROXY_ADDRESS: Self = Self::new(50409, 400, "Participant address equals proxy address");
    pub const ADDRESS_EMPTY: Self = Self::new(50411, 400, "Participant address is empty");
    pub const PROXY_ADDRESS_EMPTY: Self = Self::new(50412, 400, "Participant proxy address is empty");
    pub const PROXY_ADDRESS_NOT_OURS: Self = Self::new(50413, 403, "Account is not authorized to use proxy address");
    pub const ADDRESS_TYPES_DIFFER: Self = Self::new(50414, 400, "Participant address type does not match proxy address type");
    pub const PROXY_ADDRESS_NOT_WHATSAPP_SENDER: Self = Self::new(50415, 400, "Proxy address is not WhatsApp enabled sender");
    pub(crate) const BINDING_EXISTS: Self = Self::new(50416, 409, "A binding for this participant and proxy address already exists in Conversation CH…");
    pub const PARTICIPANT_LIMIT_EXCEEDED: Self = Self::new(50417, 403, "Participants limit exceeded");
    pub const NON_CHAT_LIMIT_EXCEEDED: Self = Self::new(50418, 403, "Non-Chat participants limit exceeded");
    pub const CONFLICTING_MEMBER_MODIFICATION: Self = Self::new(50419, 409, "Conflicting member modification");
    pub const BINDING_PARAMETERS_NOT_SUPPORTED: Self = Self::new(50420, 400, "Participant Messaging Binding type does not support all of the provided Messaging Binding parameters");
    pub const INVALID_LAST_READ_MESSAGE_INDEX: Self = Self::new(50421, 400, "Invalid last read message index format");
    pub const NON_CHAT_PARTICIPANT_LIMIT_EXCEEDED: Self = Self::new(50422, 403, "Non-chat conversation participants limit exceeded");
    pub const INVALID_PARTICIPANT_JSON: Self = Self::new(50424, 400, "One of the JSON requests for participant creation is invalid.");
    pub const ADDRESS_PAIRS_IN_USE: Self = Self::new(50425, 409, "Participant and proxy address pairs for one or more participants already in use.");
    pub const TOO_MANY_PARTICIPANTS: Self = Self::new(50426, 400, "Request contains too many participants.");
    pub const USER_NOT_PARTICIPANT: Self = Self::new(50430, 403, "User not participant of conversation");
    pub const PARTICIPANT_SID_NOT_PROVIDED: Self = Self::new(50431, 400, "Participant SID not provided");
    pub const PARTICIPANT_NOT_FOUND: Self = Self::new(50432, 404, "Participant not found");
    pub const PARTICIPANT_ALREADY_EXISTS: Self = Self::new(50433, 409, "Participant already exists");
    pub const PROJECTED_ADDRESS_NOT_PROVIDED: Self = Self::new(50434, 400, "Participant projected address not provided");
    pub const GROUP_ACTIVATION_FAILED: Self = Self::new(50435, 400, "Group MMS activation failed.");
    pub const GROUP_LIMIT_EXCEEDED: Self = Self::new(50436, 400, "Participant limit exceeded for group conversation");
    pub const GROUP_PARTICIPANT_EXISTS: Self = Self::new(50437, 409, "Group Participant already exists");
    pub(crate) const GROUP_EXISTS: Self = Self::new(50438, 409, "Group MMS with given participant list already exists as Conversation CH…");
    pub const PROJECTED_ADDRESS_NOT_OURS: Self = Self::new(50439, 403, "Account is not authorized to use the projected address");
    pub const PROXY_ADDRESS_NOT_REMOVED: Self = Self::new(50440, 400, "Failed to remove the proxy address of a participant.");
    pub const PROXY_ADDRESS_NOT_ADDED: Self = Self::new(50441, 400, "Failed to add a proxy address to a participant");
    pub const PROJECTED_ADDRESS_NOT_REMOVED: Self = Self::new(50442, 400, "Failed to remove the projected address of a participant.");
    pub const PROJECTED_ADDRESS_NOT_ADDED: Self = Self::new(50443, 400, "Failed to add a projected address to a participant.");
    pub const IDENTITY_NOT_ADDED: Self = Self::new(50444, 400, "Failed to add an identity to a participant.");
    pub const ONE_LOOKUP_PARAMETER: Self = Self::new(50451, 400, "One user identifier parameter for lookup at a time is allowed. Please, use either Identity or Address.");
    pub const GROUP_NOT_ENABLED: Self = Self::new(50452, 403, "Group MMS is not enabled for this Account");
    pub const PROXY_ADDRESS_NOT_SUPPORTED: Self = Self::new(50453, 400, "Proxy Address of participant is not supported for this channel");

    // Messages and content
    pub const MESSAGE_NOT_FOUND: Self = Self::new(50500, 404, "Message not found");
    pub const MESSAGE_SID_NOT_PROVIDED: Self = Self::new(50501, 400, "Message SID not provided");
    pub const MESSAGE_INDEX_NOT_PROVIDED: Self = Self::new(50502, 400, "Message index not provided");
    pub const BODY_NOT_PROVIDED: Self = Self::new(50503, 400, "Message body not provided");
    pub const BODY_TOO_LONG: Self = Self::new(50504, 400, "Message body parameter is too long");
    pub const MEDIA_SID_NOT_PROVIDED: Self = Self::new(50506, 400, "Media SID not provided");
    pub const MEDIA_NOT_FOUND: Self = Self::new(50507, 404, "Media not found");
    pub const MEDIA_ALREADY_SENT: Self = Self::new(50508, 409, "Media already sent with another message");
    pub const MEDIA_BODY_NOT_UPDATABLE: Self = Self::new(50509, 400, "Media message body cannot be updated");
    pub const INVALID_MEDIA_SID: Self = Self::new(50510, 400, "Invalid message media SID");
    pub const INVALID_MEDIA_CONTENT_TYPE: Self = Self::new(50511, 400, "Invalid message media content type");
    pub const MEDIA_TOO_LARGE: Self = Self::new(50512, 400, "Message media size is too large");
    pub const AUTHOR_NOT_IN_GROUP: Self = Self::new(50513, 400, "Message author should be among Group MMS participants.");
    pub const CONFLICTING_MESSAGE_MODIFICATION: Self = Self::new(50514, 409, "Conflicting message modification");
    pub const MESSAGE_INDEX_NOT_NUMBER: Self = Self::new(50516, 400, "Message index is not a number");
    pub const INVALID_CONTENT_SID: Self = Self::new(50526, 400, "Invalid content SID");
    pub const INVALID_CONTENT_VARIABLES: Self = Self::new(50527, 400, "Invalid content variables format");
    pub const CONTENT_SID_MISSING: Self = Self::new(50528, 400, "Content SID is missing");
    pub const CONTENT_VARIABLES_TOO_LONG: Self = Self::new(50529, 400, "Content variables are too long");
    pub const CHANNEL_METADATA_NOT_FOUND: Self = Self::new(50530, 404, "Channel Metadata not found");
    pub const CONTENT_VARIABLE_KEY_TOO_LONG: Self = Self::new(50540, 400, "Content variable key is too long");
    pub const CONTENT_VARIABLE_VALUE_TOO_LONG: Self = Self::new(50541, 400, "Content variable value is too long");
    pub const UNSUPPORTED_CONTENT_TYPE: Self = Self::new(50542, 400, "Unsupported Content Template Type");

    // Sync
    pub const SYNC_ACCESS_FORBIDDEN: Self = Self::new(54007, 403, "Access forbidden for identity");
    pub const SYNC_DOCUMENT_NOT_FOUND: Self = Self::new(54100, 404, "Document not found");
    pub const SYNC_LIST_NOT_FOUND: Self = Self::new(54150, 404, "List not found");
    pub const SYNC_MAP_NOT_FOUND: Self = Self::new(54200, 404, "Map not found");

    // Event Streams
    pub const SINK_IN_USE: Self = Self::new(91007, 400, "Sink still in use");

    /// All of them with their names, in the order above.
    pub const ALL: &[(&str, Self)] = &[
        ("INVALID_PARAMETER", Self::INVALID_PARAMETER),
        ("INVALID_FRIENDLY_NAME", Self::INVALID_FRIENDLY_NAME),
        ("AUTHENTICATE", Self::AUTHENTICATE),
        ("METHOD_NOT_ALLOWED", Self::METHOD_NOT_ALLOWED),
        ("ACCOUNT_NOT_ACTIVE", Self::ACCOUNT_NOT_ACTIVE),
        ("ACCESS_DENIED", Self::ACCESS_DENIED),
        ("PAGE_SIZE_TOO_LARGE", Self::PAGE_SIZE_TOO_LARGE),
        ("INVALID_ACCESS_TOKEN", Self::INVALID_ACCESS_TOKEN),
        ("INVALID_ACCESS_TOKEN_HEADER", Self::INVALID_ACCESS_TOKEN_HEADER),
        ("INVALID_ACCESS_TOKEN_ISSUER", Self::INVALID_ACCESS_TOKEN_ISSUER),
        ("ACCESS_TOKEN_EXPIRED", Self::ACCESS_TOKEN_EXPIRED),
        ("ACCESS_TOKEN_NOT_YET_VALID", Self::ACCESS_TOKEN_NOT_YET_VALID),
        ("INVALID_ACCESS_TOKEN_GRANTS", Self::INVALID_ACCESS_TOKEN_GRANTS),
        ("INVALID_ACCESS_TOKEN_SIGNATURE", Self::INVALID_ACCESS_TOKEN_SIGNATURE),
        ("ACCESS_TOKEN_LIFETIME_TOO_LONG", Self::ACCESS_TOKEN_LIFETIME_TOO_LONG),
        ("UPDATE_PARAMETERS_MISSING", Self::UPDATE_PARAMETERS_MISSING),
        ("CONFLICTING_UPDATE", Self::CONFLICTING_UPDATE),
        ("FORBIDDEN", Self::FORBIDDEN),
        ("NOT_FOUND", Self::NOT_FOUND),
        ("CONFLICT", Self::CONFLICT),
        ("GONE", Self::GONE),
        ("REQUEST_ENTITY_TOO_LARGE", Self::REQUEST_ENTITY_TOO_LARGE),
        ("UPGRADE_REQUIRED", Self::UPGRADE_REQUIRED),
        ("TOO_MANY_REQUESTS", Self::TOO_MANY_REQUESTS),
        ("INTERNAL", Self::INTERNAL),
        ("SERVICE_UNAVAILABLE", Self::SERVICE_UNAVAILABLE),
        ("INVALID_MESSAGE_PAGE_TOKEN", Self::INVALID_MESSAGE_PAGE_TOKEN),
        ("NEGATIVE_PAGE_TOKEN", Self::NEGATIVE_PAGE_TOKEN),
        ("INVALID_PAGE_TOKEN", Self::INVALID_PAGE_TOKEN),
        ("FRIENDLY_NAME_NOT_PROVIDED", Self::FRIENDLY_NAME_NOT_PROVIDED),
        ("ACCOUNT_SID_NOT_PROVIDED", Self::ACCOUNT_SID_NOT_PROVIDED),
        ("RESOURCE_BEING_DELETED", Self::RESOURCE_BEING_DELETED),
        ("FRIENDLY_NAME_TOO_LONG", Self::FRIENDLY_NAME_TOO_LONG),
        ("UNIQUE_NAME_TOO_LONG", Self::UNIQUE_NAME_TOO_LONG),
        ("INVALID_ACCOUNT_SID", Self::INVALID_ACCOUNT_SID),
        ("SERVICE_NOT_FOUND", Self::SERVICE_NOT_FOUND),
        ("SERVICE_SID_NOT_PROVIDED", Self::SERVICE_SID_NOT_PROVIDED),
        ("INVALID_WEBHOOK_FORMAT", Self::INVALID_WEBHOOK_FORMAT),
        ("INVALID_WEBHOOK_METHOD", Self::INVALID_WEBHOOK_METHOD),
        ("WEBHOOK_DISABLED_COMMAND", Self::WEBHOOK_DISABLED_COMMAND),
        ("WEBHOOK_FAILED", Self::WEBHOOK_FAILED),
        ("NOTIFICATION_TEMPLATE_TOO_LONG", Self::NOTIFICATION_TEMPLATE_TOO_LONG),
        ("NOTIFICATION_SOUND_TOO_LONG", Self::NOTIFICATION_SOUND_TOO_LONG),
        ("ACTIONS_LIMIT_EXCEEDED", Self::ACTIONS_LIMIT_EXCEEDED),
        ("INVALID_WEBHOOK_RETRY_COUNT", Self::INVALID_WEBHOOK_RETRY_COUNT),
        ("GLOBAL_ACTIONS_LIMIT_EXCEEDED", Self::GLOBAL_ACTIONS_LIMIT_EXCEEDED),
        ("INVALID_PRE_WEBHOOK_URL", Self::INVALID_PRE_WEBHOOK_URL),
        ("INVALID_POST_WEBHOOK_URL", Self::INVALID_POST_WEBHOOK_URL),
        ("ROLE_NOT_FOUND", Self::ROLE_NOT_FOUND),
        ("CHANNEL_ROLE_NOT_FOUND", Self::CHANNEL_ROLE_NOT_FOUND),
        ("DEPLOYMENT_ROLE_NOT_FOUND", Self::DEPLOYMENT_ROLE_NOT_FOUND),
        ("ROLE_SID_NOT_PROVIDED", Self::ROLE_SID_NOT_PROVIDED),
        ("PERMISSION_NOT_FOUND", Self::PERMISSION_NOT_FOUND),
        ("INVALID_ROLE_TYPE", Self::INVALID_ROLE_TYPE),
        ("CHANNEL_CREATOR_ROLE_NOT_FOUND", Self::CHANNEL_CREATOR_ROLE_NOT_FOUND),
        ("USER_NOT_AUTHORIZED", Self::USER_NOT_AUTHORIZED),
        ("CONVERSATION_ROLE_NOT_FOUND", Self::CONVERSATION_ROLE_NOT_FOUND),
        ("USER_NOT_FOUND", Self::USER_NOT_FOUND),
        ("USER_ALREADY_EXISTS", Self::USER_ALREADY_EXISTS),
        ("USER_SID_NOT_PROVIDED", Self::USER_SID_NOT_PROVIDED),
        ("IDENTITY_RESERVED", Self::IDENTITY_RESERVED),
        ("IDENTITY_NOT_PROVIDED", Self::IDENTITY_NOT_PROVIDED),
        ("USER_UNAUTHORIZED_TO_SET_ROLE", Self::USER_UNAUTHORIZED_TO_SET_ROLE),
        ("IDENTITY_LOOKS_LIKE_SID", Self::IDENTITY_LOOKS_LIKE_SID),
        ("IDENTITY_TOO_LONG", Self::IDENTITY_TOO_LONG),
        ("USER_CHANNEL_LIMIT_EXCEEDED", Self::USER_CHANNEL_LIMIT_EXCEEDED),
        ("INVALID_BINDING_TYPE", Self::INVALID_BINDING_TYPE),
        ("INVALID_NOTIFICATION_LEVEL", Self::INVALID_NOTIFICATION_LEVEL),
        ("IDENTITY_NOT_ACCEPTABLE", Self::IDENTITY_NOT_ACCEPTABLE),
        ("CONFLICTING_USER_MODIFICATION", Self::CONFLICTING_USER_MODIFICATION),
        ("USER_CONVERSATION_LIMIT_EXCEEDED", Self::USER_CONVERSATION_LIMIT_EXCEEDED),
        ("CHANNEL_NOT_FOUND", Self::CHANNEL_NOT_FOUND),
        ("CHANNEL_SID_NOT_PROVIDED", Self::CHANNEL_SID_NOT_PROVIDED),
        ("UNKNOWN_CHANNEL_COMMAND", Self::UNKNOWN_CHANNEL_COMMAND),
        ("ATTRIBUTES_TOO_LONG", Self::ATTRIBUTES_TOO_LONG),
        ("ATTRIBUTES_NOT_JSON", Self::ATTRIBUTES_NOT_JSON),
        ("UNIQUE_NAME_LOOKS_LIKE_CHANNEL_SID", Self::UNIQUE_NAME_LOOKS_LIKE_CHANNEL_SID),
        ("CHANNEL_UNIQUE_NAME_EXISTS", Self::CHANNEL_UNIQUE_NAME_EXISTS),
        ("INVALID_DATE_CREATED", Self::INVALID_DATE_CREATED),
        ("INVALID_DATE_UPDATED", Self::INVALID_DATE_UPDATED),
        ("AUTHOR_TOO_LONG", Self::AUTHOR_TOO_LONG),
        ("CHANNEL_DELETION_IN_PROGRESS", Self::CHANNEL_DELETION_IN_PROGRESS),
        ("MESSAGING_SERVICE_SID_NOT_PROVIDED", Self::MESSAGING_SERVICE_SID_NOT_PROVIDED),
        ("INVALID_MESSAGING_SERVICE_SID", Self::INVALID_MESSAGING_SERVICE_SID),
        ("MESSAGING_SERVICE_NOT_OURS", Self::MESSAGING_SERVICE_NOT_OURS),
        ("CHANNEL_UPDATE_PARAMETERS_MISSING", Self::CHANNEL_UPDATE_PARAMETERS_MISSING),
        ("CONFLICTING_CHANNEL_MODIFICATION", Self::CONFLICTING_CHANNEL_MODIFICATION),
        ("CONVERSATION_NOT_FOUND", Self::CONVERSATION_NOT_FOUND),
        ("CONVERSATION_SID_NOT_PROVIDED", Self::CONVERSATION_SID_NOT_PROVIDED),
        ("CONVERSATION_UNIQUE_NAME_EXISTS", Self::CONVERSATION_UNIQUE_NAME_EXISTS),
        ("CONVERSATION_WEBHOOK_NOT_FOUND", Self::CONVERSATION_WEBHOOK_NOT_FOUND),
        ("TOO_MANY_CONVERSATION_WEBHOOKS", Self::TOO_MANY_CONVERSATION_WEBHOOKS),
        ("TOO_MANY_CONVERSATION_WEBHOOK_TRIGGERS", Self::TOO_MANY_CONVERSATION_WEBHOOK_TRIGGERS),
        ("INVALID_CONVERSATION_WEBHOOK_SID", Self::INVALID_CONVERSATION_WEBHOOK_SID),
        ("INVALID_CONVERSATION_WEBHOOK_TYPE", Self::INVALID_CONVERSATION_WEBHOOK_TYPE),
        ("INVALID_CONVERSATION_WEBHOOK_FILTER", Self::INVALID_CONVERSATION_WEBHOOK_FILTER),
        ("INVALID_CONVERSATION_WEBHOOK_TRIGGER", Self::INVALID_CONVERSATION_WEBHOOK_TRIGGER),
        ("INVALID_CONVERSATION_WEBHOOK_FLOW_SID", Self::INVALID_CONVERSATION_WEBHOOK_FLOW_SID),
        ("CONVERSATION_WEBHOOK_TYPE_NOT_PROVIDED", Self::CONVERSATION_WEBHOOK_TYPE_NOT_PROVIDED),
        ("CONVERSATION_WEBHOOK_URL_NOT_PROVIDED", Self::CONVERSATION_WEBHOOK_URL_NOT_PROVIDED),
        ("CONVERSATION_WEBHOOK_FILTER_NOT_PROVIDED", Self::CONVERSATION_WEBHOOK_FILTER_NOT_PROVIDED),
        ("CONVERSATION_WEBHOOK_TRIGGER_NOT_PROVIDED", Self::CONVERSATION_WEBHOOK_TRIGGER_NOT_PROVIDED),
        ("CONVERSATION_WEBHOOK_URL_TOO_LONG", Self::CONVERSATION_WEBHOOK_URL_TOO_LONG),
        ("NO_MESSAGING_SERVICE", Self::NO_MESSAGING_SERVICE),
        ("STATE_EMPTY", Self::STATE_EMPTY),
        ("INACTIVE_TIMER_TOO_SHORT", Self::INACTIVE_TIMER_TOO_SHORT),
        ("CLOSED_TIMER_TOO_SHORT", Self::CLOSED_TIMER_TOO_SHORT),
        ("CONVERSATION_CLOSED", Self::CONVERSATION_CLOSED),
        ("INVALID_STATE", Self::INVALID_STATE),
        ("INVALID_INACTIVE_TIMER", Self::INVALID_INACTIVE_TIMER),
        ("INVALID_CLOSED_TIMER", Self::INVALID_CLOSED_TIMER),
        ("TIMER_WITHOUT_STATE", Self::TIMER_WITHOUT_STATE),
        ("INITIAL_STATE_CLOSED", Self::INITIAL_STATE_CLOSED),
        ("DISABLED_IN_REGION", Self::DISABLED_IN_REGION),
        ("CONVERSATION_INITIALIZING", Self::CONVERSATION_INITIALIZING),
        ("UNIQUE_NAME_LOOKS_LIKE_SID", Self::UNIQUE_NAME_LOOKS_LIKE_SID),
        ("CONFLICTING_CONVERSATION_MODIFICATION", Self::CONFLICTING_CONVERSATION_MODIFICATION),
        ("END_DATE_BEFORE_START_DATE", Self::END_DATE_BEFORE_START_DATE),
        ("CONFLICTING_CONVERSATION_CHANGE", Self::CONFLICTING_CONVERSATION_CHANGE),
        ("USER_NOT_MEMBER", Self::USER_NOT_MEMBER),
        ("MEMBER_SID_NOT_PROVIDED", Self::MEMBER_SID_NOT_PROVIDED),
        ("MEMBER_NOT_FOUND", Self::MEMBER_NOT_FOUND),
        ("MEMBER_LIMIT_EXCEEDED", Self::MEMBER_LIMIT_EXCEEDED),
        ("MEMBER_ALREADY_EXISTS", Self::MEMBER_ALREADY_EXISTS),
        ("INVALID_LAST_CONSUMPTION_TIMESTAMP", Self::INVALID_LAST_CONSUMPTION_TIMESTAMP),
        ("INVALID_LAST_CONSUMED_INDEX", Self::INVALID_LAST_CONSUMED_INDEX),
        ("INVALID_ADDRESS", Self::INVALID_ADDRESS),
        ("INVALID_PROXY_ADDRESS", Self::INVALID_PROXY_ADDRESS),
        ("ADDRESS_EQUALS_PROXY_ADDRESS", Self::ADDRESS_EQUALS_PROXY_ADDRESS),
        ("ADDRESS_EMPTY", Self::ADDRESS_EMPTY),
        ("PROXY_ADDRESS_EMPTY", Self::PROXY_ADDRESS_EMPTY),
        ("PROXY_ADDRESS_NOT_OURS", Self::PROXY_ADDRESS_NOT_OURS),
        ("ADDRESS_TYPES_DIFFER", Self::ADDRESS_TYPES_DIFFER),
        ("PROXY_ADDRESS_NOT_WHATSAPP_SENDER", Self::PROXY_ADDRESS_NOT_WHATSAPP_SENDER),
        ("BINDING_EXISTS", Self::BINDING_EXISTS),
        ("PARTICIPANT_LIMIT_EXCEEDED", Self::PARTICIPANT_LIMIT_EXCEEDED),
        ("NON_CHAT_LIMIT_EXCEEDED", Self::NON_CHAT_LIMIT_EXCEEDED),
        ("CONFLICTING_MEMBER_MODIFICATION", Self::CONFLICTING_MEMBER_MODIFICATION),
        ("BINDING_PARAMETERS_NOT_SUPPORTED", Self::BINDING_PARAMETERS_NOT_SUPPORTED),
        ("INVALID_LAST_READ_MESSAGE_INDEX", Self::INVALID_LAST_READ_MESSAGE_INDEX),
        ("NON_CHAT_PARTICIPANT_LIMIT_EXCEEDED", Self::NON_CHAT_PARTICIPANT_LIMIT_EXCEEDED),
        ("INVALID_PARTICIPANT_JSON", Self::INVALID_PARTICIPANT_JSON),
        ("ADDRESS_PAIRS_IN_USE", Self::ADDRESS_PAIRS_IN_USE),
        ("TOO_MANY_PARTICIPANTS", Self::TOO_MANY_PARTICIPANTS),
        ("USER_NOT_PARTICIPANT", Self::USER_NOT_PARTICIPANT),
        ("PARTICIPANT_SID_NOT_PROVIDED", Self::PARTICIPANT_SID_NOT_PROVIDED),
        ("PARTICIPANT_NOT_FOUND", Self::PARTICIPANT_NOT_FOUND),
        ("PARTICIPANT_ALREADY_EXISTS", Self::PARTICIPANT_ALREADY_EXISTS),
        ("PROJECTED_ADDRESS_NOT_PROVIDED", Self::PROJECTED_ADDRESS_NOT_PROVIDED),
        ("GROUP_ACTIVATION_FAILED", Self::GROUP_ACTIVATION_FAILED),
        ("GROUP_LIMIT_EXCEEDED", Self::GROUP_LIMIT_EXCEEDED),
        ("GROUP_PARTICIPANT_EXISTS", Self::GROUP_PARTICIPANT_EXISTS),
        ("GROUP_EXISTS", Self::GROUP_EXISTS),
        ("PROJECTED_ADDRESS_NOT_OURS", Self::PROJECTED_ADDRESS_NOT_OURS),
        ("PROXY_ADDRESS_NOT_REMOVED", Self::PROXY_ADDRESS_NOT_REMOVED),
        ("PROXY_ADDRESS_NOT_ADDED", Self::PROXY_ADDRESS_NOT_ADDED),
        ("PROJECTED_ADDRESS_NOT_REMOVED", Self::PROJECTED_ADDRESS_NOT_REMOVED),
        ("PROJECTED_ADDRESS_NOT_ADDED", Self::PROJECTED_ADDRESS_NOT_ADDED),
        ("IDENTITY_NOT_ADDED", Self::IDENTITY_NOT_ADDED),
        ("ONE_LOOKUP_PARAMETER", Self::ONE_LOOKUP_PARAMETER),
        ("GROUP_NOT_ENABLED", Self::GROUP_NOT_ENABLED),
        ("PROXY_ADDRESS_NOT_SUPPORTED", Self::PROXY_ADDRESS_NOT_SUPPORTED),
        ("MESSAGE_NOT_FOUND", Self::MESSAGE_NOT_FOUND),
        ("MESSAGE_SID_NOT_PROVIDED", Self::MESSAGE_SID_NOT_PROVIDED),
        ("MESSAGE_INDEX_NOT_PROVIDED", Self::MESSAGE_INDEX_NOT_PROVIDED),
        ("BODY_NOT_PROVIDED", Self::BODY_NOT_PROVIDED),
        ("BODY_TOO_LONG", Self::BODY_TOO_LONG),
        ("MEDIA_SID_NOT_PROVIDED", Self::MEDIA_SID_NOT_PROVIDED),
        ("MEDIA_NOT_FOUND", Self::MEDIA_NOT_FOUND),
        ("MEDIA_ALREADY_SENT", Self::MEDIA_ALREADY_SENT),
        ("MEDIA_BODY_NOT_UPDATABLE", Self::MEDIA_BODY_NOT_UPDATABLE),
        ("INVALID_MEDIA_SID", Self::INVALID_MEDIA_SID),
        ("INVALID_MEDIA_CONTENT_TYPE", Self::INVALID_MEDIA_CONTENT_TYPE),
        ("MEDIA_TOO_LARGE", Self::MEDIA_TOO_LARGE),
        ("AUTHOR_NOT_IN_GROUP", Self::AUTHOR_NOT_IN_GROUP),
        ("CONFLICTING_MESSAGE_MODIFICATION", Self::CONFLICTING_MESSAGE_MODIFICATION),
        ("MESSAGE_INDEX_NOT_NUMBER", Self::MESSAGE_INDEX_NOT_NUMBER),
        ("INVALID_CONTENT_SID", Self::INVALID_CONTENT_SID),
        ("INVALID_CONTENT_VARIABLES", Self::INVALID_CONTENT_VARIABLES),
        ("CONTENT_SID_MISSING", Self::CONTENT_SID_MISSING),
        ("CONTENT_VARIABLES_TOO_LONG", Self::CONTENT_VARIABLES_TOO_LONG),
        ("CHANNEL_METADATA_NOT_FOUND", Self::CHANNEL_METADATA_NOT_FOUND),
        ("CONTENT_VARIABLE_KEY_TOO_LONG", Self::CONTENT_VARIABLE_KEY_TOO_LONG),
        ("CONTENT_VARIABLE_VALUE_TOO_LONG", Self::CONTENT_VARIABLE_VALUE_TOO_LONG),
        ("UNSUPPORTED_CONTENT_TYPE", Self::UNSUPPORTED_CONTENT_TYPE),
        ("SYNC_ACCESS_FORBIDDEN", Self::SYNC_ACCESS_FORBIDDEN),
        ("SYNC_DOCUMENT_NOT_FOUND", Self::SYNC_DOCUMENT_NOT_FOUND),
        ("SYNC_LIST_NOT_FOUND", Self::SYNC_LIST_NOT_FOUND),
        ("SYNC_MAP_NOT_FOUND", Self::SYNC_MAP_NOT_FOUND),
        ("SINK_IN_USE", Self::SINK_IN_USE),
    ];
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fmt::Write;

    use super::*;

    #[test]
    fn every_code_is_there_once_with_a_status_of_an_error() {
        let mut codes = HashSet::new();
        for (name, problem) in Problem::ALL {
            assert!(codes.insert(problem.code), "{name}: {} twice", problem.code);
            assert!((400..600).contains(&problem.status), "{name}: status {}", problem.status);
            assert!(!problem.message.is_empty(), "{name}");
        }
    }

    #[test]
    fn the_list_holds_every_entry() {
        let source = include_str!("catalogue.rs");
        let declared: Vec<_> = source
            .lines()
            .filter_map(|line| line.split_once(" const ")?.1.split_once(": Self = Self::new("))
            .filter_map(|(name, rest)| Some((name, rest.split_once(',')?.0.parse().ok()?)))
            .collect();
        let listed: Vec<_> = Problem::ALL.iter().map(|(name, problem)| (*name, problem.code)).collect();
        assert!(listed.len() > 150);
        assert_eq!(declared, listed);
    }

    /// The table that `docs/API.md` has between two marks.
    fn documented() -> String {
        let mut table = String::from("| code | status | text |\n| --- | --- | --- |\n");
        for (_, Problem { code, status, message }) in Problem::ALL {
            let _ = writeln!(table, "| {code} | {status} | {message} |");
        }
        table
    }

    #[test]
    fn the_documentation_lists_the_catalogue() {
        const BEGIN: &str = "<!-- errors: written by a test of crates/wire -->\n";
        const END: &str = "<!-- /errors -->";
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/API.md");
        let text = std::fs::read_to_string(path).expect("docs/API.md can be read");
        let (before, rest) = text.split_once(BEGIN).expect("docs/API.md says where the table begins");
        let (table, after) = rest.split_once(END).expect("docs/API.md says where the table ends");
        if std::env::var_os("TERTULIA_WRITE_DOCS").is_some() {
            let written = format!("{before}{BEGIN}{}{END}{after}", documented());
            return std::fs::write(path, written).expect("docs/API.md can be written");
        }
        assert!(
            table == documented(),
            "the errors in docs/API.md are not those of the catalogue; write them with\n\
             TERTULIA_WRITE_DOCS=1 cargo test -p tertulia-wire the_documentation_lists_the_catalogue"
        );
    }

    #[test]
    fn the_entries_that_programs_switch_on() {
        for (problem, code, status, message) in [
            (Problem::AUTHENTICATE, 20003, 401, "Authenticate"),
            (Problem::ATTRIBUTES_NOT_JSON, 50304, 400, "Attributes not valid JSON"),
            (
                Problem::CONVERSATION_UNIQUE_NAME_EXISTS,
                50353,
                409,
                "Conversation with provided unique name already exists",
            ),
            (
                Problem::CONVERSATION_CLOSED,
                50377,
                400,
                "Can't update conversation as it's in final closed state",
            ),
            (Problem::INVALID_ADDRESS, 50407, 400, "Invalid messaging binding address"),
            (Problem::USER_NOT_PARTICIPANT, 50430, 403, "User not participant of conversation"),
            (Problem::PARTICIPANT_ALREADY_EXISTS, 50433, 409, "Participant already exists"),
        ] {
            assert_eq!(problem, Problem::new(code, status, message));
        }
    }
}
