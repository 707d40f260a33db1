// The page's title, with the number of messages that came while it was out of sight.

export function unreadTitle(title) {
  let count = 0;
  const show = () => {
    document.title = count > 0 ? `(${count}) ${title}` : title;
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) count = 0;
    show();
  });
  show();
  return {
    add(messages = 1) {
      if (document.hidden) count += messages;
      show();
    },
  };
}
