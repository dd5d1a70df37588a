-- An upload is told to the database in one statement instead of seven: each is a turn of a loop that is busy with what others upload.

-- What has been found in an upload's bytes; the objects that it needs are held from the commit on. Whoever is just taking one of them away is waited for.
-- Returns whether the upload is still there to be told.
CREATE FUNCTION chat.describe_upload(p_id uuid, p_found jsonb) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = '' SET lock_timeout = '5s' AS $$
BEGIN
  INSERT INTO chat.media_object (hash, size)
  SELECT DISTINCT ON (o.hash) o.hash, o.size FROM jsonb_to_recordset(p_found -> 'objects') AS o (hash text, size bigint) ORDER BY o.hash
  ON CONFLICT (hash) DO UPDATE SET size = excluded.size;

  UPDATE chat.attachment a SET kind = f.kind, mime_type = f.mime_type, width = f.width, height = f.height, duration_ms = f.duration_ms, codec = f.codec, waveform = f.waveform,
    file_name = f.file_name, size = f.size, object_hash = f.object_hash, thumbnail_hash = f.thumbnail_hash
  FROM jsonb_populate_record(NULL::chat.attachment, p_found) f
  WHERE a.id = p_id AND NOT a.ready;
  RETURN FOUND;
END $$;

-- The row of an upload, where its user may have one more, with what has been found in it if that is known already. Of one user one after the other, so that
-- what they have in all is known (p_quota bytes; 0: no limit). Returns '', or the code of an error: then there is none.
CREATE FUNCTION chat.add_upload(p_id uuid, p_chat_id uuid, p_user_id text, p_upload jsonb, p_quota bigint, p_found jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = '' SET lock_timeout = '5s' AS $$
DECLARE
  v_refusal text;
BEGIN
  PERFORM FROM chat.chat_user u WHERE u.id = p_user_id FOR NO KEY UPDATE;
  v_refusal := chat.upload_refusal(p_chat_id, p_user_id);
  IF v_refusal <> '' THEN RETURN v_refusal; END IF;
  IF p_quota > 0 AND (p_upload ->> 'size')::bigint + (SELECT coalesce(sum(a.size), 0) FROM chat.attachment a WHERE a.uploader_id = p_user_id AND NOT a.is_forwarded) > p_quota THEN
    RETURN 'TOO_LARGE';
  END IF;
  INSERT INTO chat.attachment (id, chat_id, uploader_id, file_name, size, expected_hash, is_voice, created_at)
  VALUES (p_id, p_chat_id, p_user_id, p_upload ->> 'file_name', (p_upload ->> 'size')::bigint, p_upload ->> 'expected_hash', (p_upload ->> 'is_voice')::boolean, clock_timestamp());
  IF p_found IS NOT NULL THEN PERFORM chat.describe_upload(p_id, p_found); END IF;
  RETURN '';
END $$;
