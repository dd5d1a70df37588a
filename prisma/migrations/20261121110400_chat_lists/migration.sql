-- Finding chats by a part of a name, and the statistics of a chat.

-- A text as it is compared when case and accents do not matter. Letters are taken apart from their marks (é, й and ё lose
-- them), and what a database with the C locale cannot lower is lowered by name: Greek, Cyrillic, Armenian. No extension,
-- and the same answer in every locale.
CREATE FUNCTION chat.folded(p_text text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN translate(
  lower(regexp_replace(normalize(replace(replace(p_text, 'ß', 'ss'), 'ẞ', 'ss'), NFKD), '[\u0300-\u036f]', '', 'g')),
  'ØøŁłĐđÐðÆŒÞıΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩςАБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЂЄЅІЈЉЊЋЏҐҒҚҢҮҰҺӘӨԱԲԳԴԵԶԷԸԹԺԻԼԽԾԿՀՁՂՃՄՅՆՇՈՉՊՋՌՍՎՏՐՑՒՓՔՕՖ',
  'oollddddæœþiαβγδεζηθικλμνξοπρστυφχψωσабвгдежзиклмнопрстуфхцчшщъыьэюяђєѕіјљњћџґғқңүұһәөաբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆ');

-- What is neither text nor written by Parley itself, so that statistics need not read the rest.
CREATE INDEX chat_message_kind_idx ON chat.chat_message (chat_id, type, seq) WHERE type NOT IN ('TEXT', 'SYSTEM');

-- Messages that are not SYSTEM before a seq; also of those that retention has taken away.
CREATE FUNCTION chat.ordinals_before(h chat.chat_head, p_seq integer) RETURNS integer
LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce((SELECT m.ordinal - CASE WHEN m.type = 'SYSTEM' THEN 0 ELSE 1 END FROM chat.chat_message m
                 WHERE m.chat_id = (h).chat_id AND m.seq >= p_seq ORDER BY m.seq LIMIT 1), (h).last_ordinal);

-- The statistics of a chat, for who is in it; null for others. They are the chat's own: they count what was said before the
-- viewer came, and what was deleted since, and so are the same for all. Only whom the viewer has blocked they do not name.
--
-- A chat of a million messages is not read for them:
-- - messages and members are counters of the head; each member's messages one of the participant
-- - time never runs backwards in a chat, so the first message of a day is found by bisection, and what was said in a day
--   is the difference of two ordinals
-- - of the types only what is neither TEXT nor SYSTEM is counted, on an index of its own; the two others are the rest
-- - reactions are counted from the newest on, up to a hundred thousand
CREATE FUNCTION chat.stats(p_chat_id uuid, p_user_id text) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = '' SET enable_seqscan = off AS $$
DECLARE
  v record;
  v_today date := (now() AT TIME ZONE 'UTC')::date;
  v_day date;
  v_days json[] := '{}';
  v_low integer;
  v_middle integer;
  v_next integer;
  v_found record;
  v_after integer;
  v_before integer;
  v_written integer;
  v_types json;
  v_members json;
  v_member_ids text[];
  v_reactions json;
BEGIN
  SELECT * INTO v FROM chat.viewer(p_chat_id, p_user_id);
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;

  v_next := (v.h).last_seq + 1;
  v_after := (v.h).last_ordinal;
  FOR n IN 0..29 LOOP
    v_day := v_today - n;
    v_low := (v.h).min_seq;
    WHILE v_low < v_next LOOP
      v_middle := v_low + (v_next - v_low) / 2;
      SELECT m.seq, m.created_at >= (v_day::timestamp AT TIME ZONE 'UTC') AS is_since INTO v_found FROM chat.chat_message m
      WHERE m.chat_id = p_chat_id AND m.seq >= v_middle AND m.seq < v_next ORDER BY m.seq LIMIT 1;
      IF NOT FOUND OR v_found.is_since THEN
        v_next := v_middle;
      ELSE
        v_low := v_found.seq + 1;
      END IF;
    END LOOP;
    v_before := chat.ordinals_before(v.h, v_next);
    v_days := json_build_object('date', v_day, 'count', v_after - v_before) || v_days;
    v_after := v_before;
  END LOOP;

  v_written := (v.h).last_ordinal - chat.ordinals_before(v.h, (v.h).min_seq);
  WITH other AS (
    SELECT m.type, count(*)::integer AS count FROM chat.chat_message m
    WHERE m.chat_id = p_chat_id AND m.type NOT IN ('TEXT', 'SYSTEM') GROUP BY m.type
  ), kind AS (
    SELECT o.type, o.count FROM other o
    UNION ALL SELECT 'TEXT', v_written - (SELECT coalesce(sum(o.count), 0) FROM other o)
    UNION ALL SELECT 'SYSTEM', (v.h).last_seq - (v.h).min_seq + 1 - v_written
  )
  SELECT coalesce(json_agg(json_build_object('type', k.type, 'count', k.count) ORDER BY k.count DESC, k.type), '[]'::json) INTO v_types
  FROM kind k WHERE k.count > 0;

  SELECT coalesce(json_agg(json_build_object('userId', top.user_id, 'count', top.sent_count) ORDER BY top.sent_count DESC, top.user_id COLLATE "C"), '[]'::json),
    array_agg(top.user_id) INTO v_members, v_member_ids
  FROM (SELECT p.user_id, p.sent_count FROM chat.chat_participant p
        WHERE p.chat_id = p_chat_id AND p.state = 'JOINED' AND p.sent_count > 0 AND p.user_id <> ALL (v.blocked)
        ORDER BY p.sent_count DESC, p.user_id COLLATE "C" LIMIT 50) top;

  SELECT coalesce(json_agg(json_build_object('emoji', top.emoji, 'count', top.count) ORDER BY top.count DESC, top.emoji COLLATE "C"), '[]'::json) INTO v_reactions
  FROM (SELECT newest.emoji, count(*) AS count
        FROM (SELECT r.emoji FROM chat.message_reaction r WHERE r.chat_id = p_chat_id ORDER BY r.chat_id DESC, r.seq DESC LIMIT 100000) newest
        GROUP BY newest.emoji ORDER BY count(*) DESC, newest.emoji COLLATE "C" LIMIT 50) top;

  RETURN json_build_object('chatId', p_chat_id, 'messageCount', (v.h).last_ordinal, 'memberCount', (v.h).member_count, 'attachmentCount', 0,
    'byType', v_types, 'byMember', v_members, 'byDay', array_to_json(v_days), 'reactions', v_reactions, 'users', chat.users_json(v_member_ids));
END $$;
