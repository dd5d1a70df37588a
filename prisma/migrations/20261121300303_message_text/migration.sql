-- The shared form of a message, as the text of its JSON: nothing in it depends on who looks. By concat and not by
-- json_build_object, which looks up each time how every one of its values is written, and takes twice as long; whoever makes a
-- page of many joins the texts as they are. Replaces chat.message_json.
CREATE FUNCTION chat.message_text(m chat.chat_message) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN concat(
  '{"id":"', (m).chat_id, '.', (m).seq, '","chatId":"', (m).chat_id, '","seq":', (m).seq, ',"revision":', (m).revision,
  ',"senderId":', coalesce(to_json((m).sender_id), 'null'), ',"senderLabel":', coalesce(to_json((m).sender_label), 'null'), ',"type":"', (m).type,
  '","content":', coalesce(to_json((m).content), 'null'), ',"attachments":[],"metadata":', (m).metadata, ',"system":', coalesce((m).system, 'null'),
  ',"replyTo":', CASE WHEN (m).reply_to_seq IS NULL THEN 'null' ELSE concat('{"messageId":"', (m).chat_id, '.', (m).reply_to_seq, '","seq":', (m).reply_to_seq, '}') END,
  ',"threadRoot":', CASE WHEN (m).thread_root_seq IS NULL THEN 'null' ELSE concat('{"messageId":"', (m).chat_id, '.', (m).thread_root_seq, '","seq":', (m).thread_root_seq, '}') END,
  ',"thread":', CASE WHEN (m).reply_count > 0 THEN concat('{"replyCount":', (m).reply_count, ',"lastReplySeq":', (m).last_reply_seq, '}') ELSE 'null' END,
  ',"forwardedFrom":', coalesce((m).forwarded_from, 'null'),
  ',"mentions":', CASE WHEN (m).mentions IS NULL THEN '{"userIds":[],"all":false}' ELSE (m).mentions::text END,
  ',"reactions":', CASE WHEN (m).reactions IS NULL THEN '[]' ELSE (m).reactions::text END,
  ',"pinned":', CASE WHEN (m).pinned_at IS NULL THEN 'null' ELSE concat('{"userId":', to_json((m).pinned_by_id), ',"at":"', chat.rfc3339((m).pinned_at), '"}') END,
  ',"clientMessageId":', to_json((m).client_message_id), ',"createdAt":"', chat.rfc3339((m).created_at),
  '","editedAt":', CASE WHEN (m).edited_at IS NULL THEN 'null' ELSE concat('"', chat.rfc3339((m).edited_at), '"') END,
  ',"deletedAt":', CASE WHEN (m).deleted_at IS NULL THEN 'null' ELSE concat('"', chat.rfc3339((m).deleted_at), '"') END,
  ',"deletedById":', coalesce(to_json((m).deleted_by_id), 'null'), '}');

CREATE OR REPLACE FUNCTION chat.message_json(m chat.chat_message) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN chat.message_text(m)::json;

-- (In a language that is not taken into the statement: it is needed for few, and would be set up for all.)
CREATE FUNCTION chat.redacted_text(m chat.chat_message) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = '' AS $$
BEGIN
  RETURN chat.redacted(chat.message_text(m)::json)::text;
END $$;

-- As a viewer sees it who blocks these.
CREATE FUNCTION chat.message_text_for(m chat.chat_message, p_blocked text[]) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN (m).sender_id = ANY (p_blocked) THEN chat.redacted_text(m) ELSE chat.message_text(m) END;
